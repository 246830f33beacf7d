// Holds the size of what is shipped to exact bounds: Lambda reads a layer cold over a network, and a layer and its function
// may unpack to 250 MiB together. Fails when a bound is passed or when there is nothing to measure.
// usage: node scripts/build/check-size.ts <x86_64|arm64>...

import { statSync } from 'node:fs';
import { executablePath, layerPath, parseArchitecture } from './toolchain.ts';

const MAX_EXECUTABLE_BYTES = 110_000_000;
const MAX_LAYER_BYTES = 40_000_000;

const architectures = process.argv.slice(2).map(parseArchitecture);
if (architectures.length === 0) throw new Error('usage: check-size.ts <x86_64|arm64>...');
const excessive = architectures
  .flatMap((arch) => [
    { name: `${arch} executable`, bytes: statSync(executablePath(arch)).size, maxBytes: MAX_EXECUTABLE_BYTES },
    { name: `${arch} layer`, bytes: statSync(layerPath(arch)).size, maxBytes: MAX_LAYER_BYTES },
  ])
  .filter(({ name, bytes, maxBytes }) => {
    const verdict = bytes <= maxBytes ? 'ok' : 'TOO LARGE';
    console.log(`${name}: ${bytes.toLocaleString('en')} of at most ${maxBytes.toLocaleString('en')} bytes, ${verdict}`);
    return bytes > maxBytes;
  });
process.exitCode = excessive.length > 0 ? 1 : 0;

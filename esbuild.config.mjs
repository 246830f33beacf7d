// Bundles the extension for its executable as three CommonJS scripts: `boot`, the tiny program that registers, `late`,
// everything that the first record needs, and `check`, the command (see src/late/load.ts). All hold ASCII alone, so V8 keeps them as one-byte
// strings, and nothing of the machine that built them. Run it by itself to see the sizes and the packages inside.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));

export async function bundle(sourceDir = path.join(root, 'src')) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const common = {
    absWorkingDir: path.dirname(sourceDir),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    charset: 'ascii',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    // `import()` becomes `require`: by Node's documentation the former does not work beside a code cache.
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    define: { BUILD_VERSION: JSON.stringify(version) },
  };
  // One function expression, in parentheses so that V8 compiles it at once; late/load.sea.ts calls it.
  const wrapped = { banner: { js: '(function(exports,require,module){' }, footer: { js: '})' } };
  const [boot, late, check] = await Promise.all([
    build({
      ...common,
      entryPoints: [path.join(sourceDir, 'main.ts')],
      outfile: 'boot.js',
      plugins: [lateSeam, withoutMeanings],
    }),
    build({
      ...common,
      entryPoints: [path.join(sourceDir, 'late/index.ts')],
      outfile: 'late.js',
      plugins: [withoutMeanings, ...packagePlugins],
      // Packages read variables that belong to the function (UNDICI_NO_WASM_SIMD, JEST_WORKER_ID, ...): they find none.
      define: { ...common.define, 'process.env': '{}' },
      ...wrapped,
    }),
    build({ ...common, entryPoints: [path.join(sourceDir, 'check/index.ts')], outfile: 'check.js', ...wrapped }),
  ]);
  return { boot: toScript(boot), late: toScript(late), check: toScript(check) };
}

const lateSeam = {
  name: 'late-seam',
  /** @param {import('esbuild').PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /\/late\/load\.ts$/ }, ({ resolveDir }) => ({
      path: path.join(resolveDir, 'late/load.sea.ts'),
    }));
  },
};

/** What the settings mean is for people, who have the README: 3 KB that no start has to read. */
const withoutMeanings = {
  name: 'without-meanings',
  /** @param {import('esbuild').PluginBuild} build */
  setup(build) {
    build.onLoad({ filter: /\/src\/config\/(?:filter-)?settings\.ts$/ }, (args) => ({
      contents: readFileSync(args.path, 'utf8').replaceAll(/\bmeaning:\s*(['"])(?:\\.|(?!\1).)*\1,/g, "meaning: '',"),
      loader: 'ts',
    }));
  },
};

/** Parts of packages that this program never reaches. What stands in their place throws as soon as it is used. */
const LEFT_OUT = [
  // HTTP/2: only with allowH2, which is off.
  'undici/lib/dispatcher/client-h2.js',
  // Request bodies of FormData, Blob or an iterator: ours are bytes.
  'undici/lib/web/fetch/body.js',
  // The parser for processors without SIMD, which no Lambda function runs on.
  'undici/lib/llhttp/llhttp-wasm.js',
  // Worker threads, which need files beside the executable: our log is written synchronously.
  'pino/lib/transport.js',
];

/**
 * undici asks node:http for one number and one class, which it compares request bodies with. Loading it for that takes 0.4 MB in every
 * sandbox.
 */
const INSTEAD_OF_HTTP = 'exports.maxHeaderSize = 16_384; exports.IncomingMessage = class {};';

const leftOut = {
  name: 'left-out',
  /** @param {import('esbuild').PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
    build.onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: INSTEAD_OF_HTTP }));
    for (const file of LEFT_OUT) {
      build.onLoad({ filter: fileOfPackage(file) }, () => ({
        contents: `const fail = () => { throw new Error('${file} is not part of this build'); };
          module.exports = new Proxy(fail, { get: () => fail });`,
      }));
    }
  },
};

/** Each is found once, or the build fails: a new version of the package is to be looked at again. */
const CHANGED = [
  {
    // The table of hashes is emptied for every 64 KB, and by hand that takes as long as a quarter of the compressing: without and with this
    // a flood takes 31.4 and 28.7 ms of CPU per MB of log text. What comes out is the same.
    file: 'snappyjs/snappy_compressor.js',
    before: /var i\n\s*for \(i = 0; i < hashTable\.length; i\+\+\) \{\n\s*hashTable\[i\] = 0\n\s*\}/g,
    after: 'hashTable.fill(0)',
  },
];

const changed = {
  name: 'changed',
  /** @param {import('esbuild').PluginBuild} build */
  setup(build) {
    for (const { file, before, after } of CHANGED) {
      build.onLoad({ filter: fileOfPackage(file) }, (args) => {
        const text = readFileSync(args.path, 'utf8');
        const places = text.match(before)?.length ?? 0;
        if (places !== 1) throw new Error(`${file}: what is to be changed is there ${places} times`);
        return { contents: text.replace(before, after) };
      });
    }
  },
};

/** What the packages are like in the executable. */
export const packagePlugins = [leftOut, changed];

/** @param {string} file */
function fileOfPackage(file) {
  return new RegExp(`/node_modules/${file.replaceAll('.', '\\.')}$`);
}

/** @param {import('esbuild').BuildResult} result */
function toScript(result) {
  const text = result.outputFiles[0].text;
  const packages = new Set();
  for (const [input, { bytesInOutput }] of Object.entries(Object.values(result.metafile.outputs)[0].inputs)) {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name !== undefined && bytesInOutput > 0) packages.add(name);
  }
  return { text, metafile: result.metafile, packages: [...packages].sort() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, script] of Object.entries(await bundle())) {
    console.log(`${name}: ${script.text.length} bytes; packages: ${script.packages.join(', ') || 'none'}`);
  }
}

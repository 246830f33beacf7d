// `make test-loki`: the tests against a Loki that somebody names. They read LOKI_URL (a Loki that runs: its data are not touched
// beyond our own streams) or LOKI_BINARY (started with settings of their own; `loki` on the PATH counts as well).
// Loki's licence is AGPL-3.0: it is run beside the project where somebody has it, and neither fetched nor built here.

import { findProgram } from '../../scripts/build/toolchain.ts';
import { runTests, sayMissing } from '../tools/run-tests.ts';

const url = process.env['LOKI_URL']?.replace(/\/+$/, '');
const binary = process.env['LOKI_BINARY'] || findProgram('loki');
if (url) runTests('loki', { LOKI_URL: url });
else if (binary !== undefined) runTests('loki', { LOKI_BINARY: binary });
else sayMissing('loki: none found; set LOKI_URL or LOKI_BINARY, or put loki on the PATH');

// `make test-receiver`: the executable against VictoriaLogs, which takes Loki's push protocol with a decoder and a query API that
// nobody here wrote. It takes Go.

import { findOrBuild } from '../tools/build.ts';
import { runTests, sayMissing } from '../tools/run-tests.ts';

/** https://docs.victoriametrics.com/victorialogs/ (Apache-2.0) */
const receiver = findOrBuild({
  variable: 'VICTORIA_LOGS_BINARY',
  packagePath: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
});
if (receiver.ok) runTests('receiver', { VICTORIA_LOGS_BINARY: receiver.path });
else sayMissing(receiver.reason);

// The only file that imports pino. Synchronous on purpose: a transport needs worker files beside the executable, and a
// buffered line would be lost at a freeze or at exit.
import pino from 'pino';
import { LOG_NAME, type Print } from './log.ts';

export function createPinoPrint(): Print {
  const logger = pino(
    {
      level: 'trace',
      base: { name: LOG_NAME, pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
  return (level, message, fields) => logger[level](fields, message);
}

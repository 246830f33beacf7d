// A valid request body with one line, made with the readers' own counterpart and not with the code under test.
import { pushRequest, snappyLiterals } from '../unit/fakes/push-bytes.ts';

export function pushBody(line: string): Buffer {
  const entry = { line, timestampNs: BigInt(Date.now()) * 1_000_000n, metadata: [] };
  return snappyLiterals(pushRequest([{ labels: '{service_name="orders-api"}', entries: [entry] }]));
}

// The addresses of Loki's host, from the system's resolver. Only the system's resolver knows /etc/hosts, search domains
// and private names as every other program here does. It has two gaps, which this file fills: a lookup cannot be
// cancelled, and while the name server is silent the resolver knows nothing.
import { ADDRCONFIG, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { type Clock, settledBy } from '../time.ts';

export interface Addresses {
  /** The address that was reached last comes first. @throws the resolver's error, with its `code` */
  find(): Promise<readonly string[]>;
  /** Notes which address was reached. */
  reached(address: string): void;
}

/** If the name server has not answered by then, addresses from an earlier answer are used again. */
const PATIENCE_MS = 1_000;

export function createAddresses(host: string, clock: Clock, ask = askSystem): Addresses {
  let known: readonly string[] = [];
  let best: string | undefined;
  let asking: Promise<void> | undefined;
  let failure: unknown;

  async function learn(): Promise<void> {
    failure = undefined;
    try {
      known = await ask(host);
    } catch (error) {
      failure = error;
    }
    asking = undefined;
  }

  return {
    async find() {
      if (isIP(host) !== 0) return [host];
      // One at a time: each hanging lookup occupies a thread, and Node has four.
      asking ??= learn();
      if (known.length === 0) await asking;
      else await settledBy(clock, asking, clock.now() + PATIENCE_MS);
      if (failure !== undefined && (known.length === 0 || isUnknownName(failure))) throw failure;
      return known.toSorted((one, other) => Number(other === best) - Number(one === best));
    },
    reached(address) {
      best = address;
    },
  };
}

/**
 * Whether the name server has said that the name does not exist, or has no address. Any other error is a problem of the
 * name server itself.
 */
export function isUnknownName(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA');
}

function askSystem(host: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true, hints: ADDRCONFIG }, (error, found) => {
      if (error) reject(error);
      else resolve(found.map(({ address }) => address));
    });
  });
}

// Asks a proxy for a tunnel (CONNECT), and reports its answer if it refuses.
// https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
import type { Socket } from 'node:net';
import { version } from '../version.ts';
import type { HttpProxy } from './proxy.ts';

/** The proxy was reached, but opens no tunnel. */
export class TunnelError extends Error {
  /** `HTTP_407` and the like: the status. Otherwise `NOT_HTTP`, or the error code that ended the connection. */
  readonly code: string;

  /** @param text the raw text of the answer */
  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_CHARACTERS = 65_536;
const SHOWN_CHARACTERS = 2_000;

/** Resolves once the tunnel is open. Nobody reads from the socket at that point. */
export function openTunnel(socket: Socket, host: string, port: number, { authorization }: HttpProxy): Promise<void> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let answer = '';

  function read(): void {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) answer += chunk.toString('latin1');
    const end = answer.indexOf(HEAD_END);
    const isHttp = 'HTTP/1.'.startsWith(answer.slice(0, 7));
    if (end < 0 && isHttp && answer.length < MAX_HEAD_CHARACTERS) return;
    stop();
    const status = /^HTTP\/1\.\d (\d{3})\b/.exec(answer)?.[1];
    if (end < 0 || status === undefined) reject(new TunnelError('NOT_HTTP', shown(answer)));
    // The host itself does not speak before we do: any text is the proxy's own.
    else if (status.startsWith('2') && answer.length === end + HEAD_END.length) resolve();
    else reject(new TunnelError(`HTTP_${status}`, shown(answer.slice(end))));
  }

  function ended(): void {
    stop();
    reject(new TunnelError(answer === '' ? 'ECONNRESET' : 'NOT_HTTP', shown(answer)));
  }

  function failed(error: NodeJS.ErrnoException): void {
    stop();
    reject(new TunnelError(error.code ?? 'ECONNRESET', ''));
  }

  function stop(): void {
    socket.off('readable', read).off('end', ended).off('close', ended).off('error', failed);
  }

  socket.on('readable', read).on('end', ended).on('close', ended).on('error', failed);
  const head = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, `User-Agent: aws-lambda-loki-extension/${version}`];
  if (authorization !== undefined) head.push(`Proxy-Authorization: ${authorization}`);
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  return promise;
}

function shown(text: string): string {
  return text.trim().slice(0, SHOWN_CHARACTERS);
}

/** A request as it came in: whole, with what its signature says of the caller. */
import type { IncomingMessage } from 'node:http';

/** Who signed a request: nothing of the signature is checked but that it is there. */
export interface Caller {
  readonly account: string;
  readonly region: string;
}

/** A request with its body. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly caller?: Caller;
}

/** An answer. */
export interface Outgoing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Reads a request to its end. `home` is the account of access keys that name none. */
export async function readIncoming(request: IncomingMessage, home: string): Promise<Incoming> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')]),
  );
  const url = new URL(request.url ?? '/', `http://${headers['host'] ?? 'localhost'}`);
  const scope = /Credential=([^,\s]+)/.exec(headers['authorization'] ?? '')?.[1] ?? url.searchParams.get('X-Amz-Credential');
  return {
    method: request.method ?? 'GET',
    url,
    headers,
    body: Buffer.concat(chunks),
    ...(scope === null || scope === undefined ? {} : { caller: callerOf(scope, home) }),
  };
}

/** The access key of an account, as AssumeRole of the endpoint hands it out: its last twelve characters are the account. */
export function accessKeyFor(account: string, prefix: 'AKIA' | 'ASIA'): string {
  return `${prefix}PMTX${account}`;
}

/** A credential scope is access key, date, Region, service and aws4_request (Signature Version 4). */
function callerOf(scope: string, home: string): Caller {
  const [key = '', , region = ''] = scope.split('/');
  return { account: /^A[KS]IAPMTX(\d{12})$/.exec(key)?.[1] ?? home, region };
}

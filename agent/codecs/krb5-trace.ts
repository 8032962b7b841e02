/** What MIT Kerberos notes of its talk with a KDC (KRB5_TRACE): the evidence of who answered, and with which error. */

/** What a trace shows: whether that KDC answered over TCP, and the code of its last error (RFC 4120 §7.5.9), where it sent any. */
export interface Heard {
  readonly answered: boolean;
  readonly errorCode?: number;
}

/** ERROR_TABLE_BASE_krb5: the library counts the codes of the protocol, 0 to 127, from here. */
const errorBase = -1_765_328_384;
const protocolErrors = 128;

/** Reads what the KDC at that address and port had to say. */
export function readTrace(trace: string, address: string, port: number): Heard {
  const peers = new Set([`${address}:${port}`, `[${address}]:${port}`]);
  const answered = [...trace.matchAll(/ Received answer \(\d+ bytes\) from stream (\S+)$/gm)].some(([, peer = '']) => peers.has(peer));
  const codes = [...trace.matchAll(/ (?:Received error from KDC|TGS request result): (-\d+)\//g)].map(([, code]) => Number(code) - errorBase);
  const errorCode = codes.findLast((code) => code > 0 && code < protocolErrors);
  return { answered, ...(answered && errorCode !== undefined && { errorCode }) };
}

/** What a TLS handshake showed, as facts, whatever protocol is inside it. */
import type { Facts } from '../contract/fact.ts';
import { decodeCertificate } from './certificate.ts';

/** A TLS session as its client sees it. `certificate` is the leaf in DER; `chain` is `trusted`, `not-checked`, or why it is not trusted. */
export interface TlsSession {
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: Buffer;
  readonly chain: string;
}

/** The facts of a session: protocol and cipher, the chain, and what the certificate says; a certificate that is not understood is a complaint. */
export function tlsFacts(session: TlsSession): Facts {
  const certificate = decodeCertificate(session.certificate);
  return {
    tlsProtocol: session.protocol,
    tlsCipher: session.cipher,
    certificateChain: session.chain,
    ...(certificate.kind === 'value' ? certificate.value : { complaint: 'the certificate was not understood' }),
  };
}

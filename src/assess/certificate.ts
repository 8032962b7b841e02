/** What the certificate of a TLS server says, and how the two ends agreed to speak. */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';
import { isSameName, isSameText, told } from './sameness.ts';

/** Rules for a TLS handshake. */
export const certificateRules: readonly Rule[] = [
  certificateTime,
  certificateName,
  certificateUsage,
  certificateChain,
  certificateUnread,
  certificateKey,
  certificateSignature,
  tlsVersion,
];

/** The same of an endpoint: who issued the certificate comes first, as that names the device which answers in the place of the endpoint. */
export const endpointRules: readonly Rule[] = [certificateChain, ...certificateRules.filter((rule) => rule !== certificateChain)];

const serverAuthentication = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';
const dayMs = 86_400_000;
const oldTls: ReadonlySet<string> = new Set(['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1']);
const weakSignature = /sha-?1(?!\d)|md[245]/i;
const weakSignatureOids: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.3',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
  '1.3.14.3.2.29',
]);

/** Both ends of the validity belong to it (RFC 5280 §4.1.2.5). */
function certificateTime({ facts, limits, at }: Answer): Assessed | undefined {
  const { certificateNotBefore: notBefore, certificateNotAfter: notAfter } = facts;
  const now = Date.parse(at);
  if (notBefore !== undefined && now < Date.parse(notBefore)) return fail({ code: 'certificate-not-yet-valid', notBefore });
  if (notAfter === undefined) return undefined;
  const days = (Date.parse(notAfter) - now) / dayMs;
  if (days < 0) return fail({ code: 'certificate-expired', notAfter });
  return days <= limits.certificateDays ? warn({ code: 'certificate-expires-soon', notAfter, days: Math.floor(days) }) : undefined;
}

/** Clients that verify refuse another name. Without any alternative name some still take the subject's: that is a warning. */
function certificateName({ facts, expected }: Answer): Assessed | undefined {
  const { certificateNames: names, certificateSubject: subject = '' } = facts;
  if (names === undefined || names.some((name) => isCoveredBy(expected.dnsName, name))) return undefined;
  const finding = { code: 'certificate-name', expected: expected.dnsName, names } as const;
  const commonName = /(?:^|[,/+\n]\s*)CN\s*=\s*([^,/+\n]+)/i.exec(subject)?.[1]?.trim();
  return names.length === 0 && commonName !== undefined && isCoveredBy(expected.dnsName, commonName) ? warn(finding) : fail(finding);
}

/** A certificate for any usage is good enough for some clients only. */
function certificateUsage({ facts: { certificateUsages: usages = [] } }: Answer): Assessed | undefined {
  if (usages.length === 0 || usages.includes(serverAuthentication)) return undefined;
  return usages.includes(anyUsage) ? warn({ code: 'certificate-usage' }) : fail({ code: 'certificate-usage' });
}

/** Who issued the certificate is what tells a private authority from a device that puts its own certificates in the place of others'. */
function certificateChain({ facts: { certificateChain: chain = 'not-checked', certificateIssuer } }: Answer): Assessed | undefined {
  const issuer = told(certificateIssuer);
  if (chain === 'trusted' || chain === 'not-checked') return undefined;
  return fail({ code: 'certificate-untrusted', why: chain, ...(issuer !== undefined && { issuer }) });
}

/** A certificate that was not understood was not judged either. */
function certificateUnread({ facts: { tlsProtocol, certificateNotAfter, complaint } }: Answer): Assessed | undefined {
  if (tlsProtocol === undefined || certificateNotAfter !== undefined || complaint === undefined) return undefined;
  return warn({ code: 'certificate-untrusted', why: complaint });
}

function certificateKey({ facts: { certificateKeyType: type, certificateKeyBits: bits }, limits }: Answer): Assessed | undefined {
  if (type === undefined || bits === undefined || !/^rsa/i.test(type) || bits >= limits.rsaBits) return undefined;
  return warn({ code: 'certificate-weak', what: `RSA key of ${bits} bits` });
}

function certificateSignature({ facts: { certificateSignature: signature } }: Answer): Assessed | undefined {
  if (signature === undefined || !(weakSignature.test(signature) || weakSignatureOids.has(signature))) return undefined;
  return warn({ code: 'certificate-weak', what: signature });
}

function tlsVersion({ facts: { tlsProtocol: protocol } }: Answer): Assessed | undefined {
  return protocol !== undefined && oldTls.has(protocol) ? warn({ code: 'tls-old', protocol }) : undefined;
}

/** A wildcard stands for the left-most label, whole, and for no more than one (RFC 6125 §6.4.3). */
function isCoveredBy(name: string, pattern: string): boolean {
  // Only of the destination may the rest of the name be unknown: a bare name in a certificate covers no full one.
  const isFull = name.includes('.');
  if (!pattern.startsWith('*.')) return isFull ? isSameText(name, pattern) : isSameName(name, pattern);
  return !isFull || isSameText(name.slice(name.indexOf('.')), pattern.slice(1));
}

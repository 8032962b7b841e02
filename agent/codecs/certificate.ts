/** An X.509 certificate, as far as judging a server needs it (RFC 5280). */
import { X509Certificate } from 'node:crypto';
import { contentOf, elementsOf, oidOf, readElement, tags, textOf, unwrap } from './ber.ts';
import { type Decoded, guard, Malformed } from './decoded.ts';

/** What a certificate says, under the names of facts. Times are ISO 8601 in UTC; key facts are absent where this Node does not know the algorithm. */
export interface Certificate {
  readonly certificateSubject: string;
  readonly certificateIssuer: string;
  readonly certificateNames: readonly string[];
  readonly certificateNotBefore: string;
  readonly certificateNotAfter: string;
  readonly certificateUsages: readonly string[];
  readonly certificateSignature: string;
  readonly certificateFingerprint: string;
  readonly certificateKeyType?: string;
  readonly certificateKeyBits?: number;
}

const extensions = { alternativeName: '2.5.29.17', extendedKeyUsage: '2.5.29.37' } as const;
const dnsNameTag = 0x82;
const extensionsTag = 0xa3;

/** Names of signature algorithms (RFC 4055, RFC 5758, RFC 8410), as OpenSSL writes them. */
const signatures: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.10': 'rsassaPss',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.3.101.112': 'ED25519',
};

const curveBits: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };

/** Decodes a whole certificate in DER; it is never incomplete. Names come from the subject alternative name alone, whatever the subject says. */
export function decodeCertificate(der: Buffer): Decoded<Certificate> {
  return guard(() => {
    const certificate = new X509Certificate(der);
    const whole = readElement(der, [tags.sequence]);
    if (whole.kind !== 'value') throw new Malformed('a certificate that is cut or too long');
    const [signed, algorithm] = elementsOf(whole.value.content);
    const values = readExtensions(contentOf(signed, tags.sequence));
    const signature = oidOf(unwrap(contentOf(algorithm, tags.sequence), tags.oid));
    const value = {
      certificateSubject: oneLine(certificate.subject),
      certificateIssuer: oneLine(certificate.issuer),
      certificateNames: [...new Set(readNames(values.get(extensions.alternativeName)))].sort(),
      certificateNotBefore: new Date(certificate.validFrom).toISOString(),
      certificateNotAfter: new Date(certificate.validTo).toISOString(),
      certificateUsages: readUsages(values.get(extensions.extendedKeyUsage)),
      certificateSignature: signatures[signature] ?? signature,
      certificateFingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      ...readKey(certificate),
    };
    return { kind: 'value', value, length: whole.length };
  });
}

/** Node writes one attribute per line, and nothing at all for an empty name, which AD's own certificate templates produce. */
function oneLine(name: string | undefined): string {
  return textOf(Buffer.from((name ?? '').replaceAll('\n', ', ')));
}

/** Values of the extensions, by OID (RFC 5280 §4.1: version, serial number and five more come before them). */
function readExtensions(signed: Buffer): ReadonlyMap<string, Buffer> {
  const values = new Map<string, Buffer>();
  for (const field of elementsOf(signed)) {
    if (field.tag !== extensionsTag) continue;
    for (const extension of elementsOf(unwrap(field.content, tags.sequence))) {
      const parts = [...elementsOf(contentOf(extension, tags.sequence))];
      values.set(oidOf(contentOf(parts[0], tags.oid)), contentOf(parts.at(-1), tags.octetString));
    }
  }
  return values;
}

function readNames(alternativeName: Buffer | undefined): readonly string[] {
  if (alternativeName === undefined) return [];
  const names = [...elementsOf(unwrap(alternativeName, tags.sequence))].filter(({ tag }) => tag === dnsNameTag);
  return names.map(({ content }) => textOf(content).toLowerCase());
}

function readUsages(extendedKeyUsage: Buffer | undefined): readonly string[] {
  if (extendedKeyUsage === undefined) return [];
  return [...elementsOf(unwrap(extendedKeyUsage, tags.sequence))].map((usage) => oidOf(contentOf(usage, tags.oid)));
}

function readKey(certificate: X509Certificate): Pick<Certificate, 'certificateKeyType' | 'certificateKeyBits'> {
  const found = guard(() => ({ kind: 'value', value: certificate.publicKey, length: 0 }));
  if (found.kind !== 'value') return {};
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = found.value;
  const bits = details?.modulusLength ?? curveBits[details?.namedCurve ?? ''];
  return { ...(type !== undefined && { certificateKeyType: type }), ...(bits !== undefined && { certificateKeyBits: bits }) };
}

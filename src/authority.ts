/** The CA certificates that servers are judged by. */
import { X509Certificate } from 'node:crypto';
import { readTextFile } from './text-file.ts';

/** The certificates of a PEM file, as PEM and without whatever else it holds (a private key must never travel in a job); or what is wrong with the file. */
export function readAuthorities(file: string): { readonly pem: string } | { readonly problem: string } {
  const found = readTextFile(file);
  if ('problem' in found) return found;
  const certificates = found.text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) return { problem: 'holds no PEM certificate' };
  const broken = certificates.findIndex((certificate) => !isCertificate(certificate));
  if (broken !== -1) return { problem: `holds a broken certificate, number ${broken + 1}` };
  return { pem: `${certificates.join('\n')}\n` };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    // OpenSSL's reasons are about its own parser; which certificate it is says more.
    return false;
  }
}

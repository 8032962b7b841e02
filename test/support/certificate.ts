/** A TLS certificate for one test run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and a certificate signed with it, both in PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Makes an identity for one DNS name, with a P-256 key and valid from now on for a month. `subject` is in openssl's form: `/CN=dc1`. */
export function makeIdentity(dnsName: string, subject = `/CN=${dnsName}`): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-utf8'];
    const names = ['-subj', subject, '-addext', `subjectAltName=DNS:${dnsName}`, '-addext', 'extendedKeyUsage=serverAuth'];
    execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

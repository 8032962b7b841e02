import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './command.ts';
import { CA_FILE } from './state.ts';
import { DCS, DOMAIN, hostOf } from './topology.ts';
import type { AnyDcName } from './topology.ts';

const tlsDir = dirname(CA_FILE);
const days = '3650';

/** Where one DC's certificate and private key lie. */
export function certificateOf(dc: AnyDcName): { certFile: string; keyFile: string } {
  return { certFile: join(tlsDir, `${dc}.pem`), keyFile: join(tlsDir, `${dc}.key`) };
}

const serials = { dc1: '1001', dc2: '1002', dc3: '1003' } as const satisfies Record<AnyDcName, string>;
const caKey = join(tlsDir, 'ca.key');
const newKey = ['openssl', 'req', '-config', join(tlsDir, 'req.cnf'), '-newkey', 'rsa:2048', '-nodes', '-sha256'];

/** Makes the lab CA and, signed by it, a certificate for each DC of the forest. */
export async function makeCertificates(): Promise<void> {
  mkdirSync(tlsDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(tlsDir, 'req.cnf'), '[req]\ndistinguished_name = name\n[name]\n');
  await run([
    ...newKey,
    '-x509',
    '-days',
    days,
    '-subj',
    `/O=portmatrix lab/CN=Lab CA of ${DOMAIN}`,
    '-keyout',
    caKey,
    '-out',
    CA_FILE,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
    '-addext',
    'subjectKeyIdentifier=hash',
  ]);
  await Promise.all(DCS.map(makeCertificate));
}

/** Makes a DC's certificate, signed by the lab CA: RSA 2048, SAN dNSName = FQDN, EKU serverAuth. */
export async function makeCertificate(dc: AnyDcName): Promise<void> {
  const { certFile, keyFile } = certificateOf(dc);
  const requestFile = join(tlsDir, `${dc}.csr`);
  const extensionFile = join(tlsDir, `${dc}.ext`);
  writeFileSync(
    extensionFile,
    [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      'extendedKeyUsage=serverAuth',
      `subjectAltName=DNS:${hostOf(dc).fqdn}`,
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      '',
    ].join('\n'),
  );
  await run([...newKey, '-subj', `/CN=${hostOf(dc).fqdn}`, '-keyout', keyFile, '-out', requestFile]);
  await run([
    'openssl',
    'x509',
    '-req',
    '-sha256',
    '-in',
    requestFile,
    '-CA',
    CA_FILE,
    '-CAkey',
    caKey,
    '-days',
    days,
    '-set_serial',
    serials[dc],
    '-extfile',
    extensionFile,
    '-out',
    certFile,
  ]);
}

/** Names a protocol from its first bytes, for an answer that is not the one we expected. */

const signatures: readonly (readonly [name: string, prefix: string])[] = [
  ['http', '485454502f'],
  ['tls', '1603'],
  ['tls-alert', '1503'],
  ['ssh', '5353482d'],
  ['rpc-over-http', '6e6361636e5f68747470'],
  ['rpc', '0500'],
  ['smb2', '00......fe534d42'],
  ['smb1', '00......ff534d42'],
  ['netbios-session', '8.000'],
  ['rdp', '0300'],
  ['ldap', '308400'],
  ['asn.1', '30'],
  ['kerberos', '........7e'],
  ['html', '3c68746d6c'],
  ['html', '3c21444f4354595045'],
  ['smtp-or-ftp', '32323020'],
];

const patterns = signatures.map(([name, prefix]) => ({ name, pattern: new RegExp(`^${prefix}`) }));

/** What the bytes look like (`http`, `tls`, `ssh`, …), or undefined when they look like nothing we know. */
export function recognise(bytes: Uint8Array): string | undefined {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  return patterns.find(({ pattern }) => pattern.test(hex))?.name;
}

/** The Kerberos credentials that this host would use: a key table, or the credential cache. Nothing is sent to find them, and no key is kept. */
import { readFileSync } from 'node:fs';
import { type CredentialCache, decodeCredentialCache, decodeKeyTable, type KeyOwner } from './codecs/credential-file.ts';
import type { Decoded } from './codecs/decoded.ts';

/** Credentials in a file, and whom they are for. */
export type Credential = (CredentialCache & { readonly kind: 'cache' }) | (KeyOwner & { readonly kind: 'keytab'; readonly file: string });

/** Why there are none to use, in one sentence. */
export interface Want {
  readonly want: string;
}

/** The environment of a process, as far as it says where credentials are. */
export interface CredentialPlaces {
  readonly KRB5CCNAME?: string | undefined;
  readonly KRB5_CLIENT_KTNAME?: string | undefined;
}

/** Finds the credentials: `keytab`, where it is named; else the cache of KRB5CCNAME, or the user's usual one; else the key table of KRB5_CLIENT_KTNAME. */
export function findCredential(keytab: string | undefined, places: CredentialPlaces, user: number): Credential | Want {
  if (keytab !== undefined) return fromKeyTable(keytab);
  const { KRB5CCNAME: named, KRB5_CLIENT_KTNAME: table } = places;
  const cache = fileOf(named ?? `/tmp/krb5cc_${user}`);
  const found = cache === undefined ? { want: `the credential cache ${named} is no file` } : fromCache(cache);
  return 'want' in found && table !== undefined ? fromKeyTable(fileOf(table) ?? table) : found;
}

function fromCache(file: string): Credential | Want {
  const bytes = read(file);
  if ('want' in bytes) return bytes;
  const cache = decodeCredentialCache(bytes);
  if (cache.kind !== 'value') return { want: `${file} is not understood: ${why(cache)}` };
  return { kind: 'cache', ...cache.value };
}

/** Of a machine's key table its account counts (`NAME$`): the services beside it may not ask for tickets. */
function fromKeyTable(file: string): Credential | Want {
  const bytes = read(file);
  if ('want' in bytes) return bytes;
  const owners = decodeKeyTable(bytes);
  if (owners.kind !== 'value') return { want: `${file} is not understood: ${why(owners)}` };
  const owner = owners.value.find(({ principal }) => /\$@/.test(principal)) ?? owners.value[0];
  return owner === undefined ? { want: `${file} holds no key` } : { kind: 'keytab', file, ...owner };
}

/** The path in a name like `FILE:/tmp/krb5cc_0`; undefined for a cache that is kept elsewhere (KEYRING, KCM, DIR, MEMORY). */
function fileOf(name: string): string | undefined {
  const [, type, rest = ''] = /^(?:([A-Za-z]+):)?(.*)$/s.exec(name) ?? [];
  return type === undefined || /^(?:WR)?FILE$/i.test(type) ? rest : undefined;
}

function read(file: string): Buffer | Want {
  try {
    return readFileSync(file);
  } catch (error) {
    return { want: `${file} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})` };
  }
}

function why<T>(decoded: Exclude<Decoded<T>, { readonly kind: 'value' }>): string {
  return decoded.kind === 'malformed' ? decoded.why : 'it is cut short';
}

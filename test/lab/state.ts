import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyDcName } from './topology.ts';

/**
 * Where the lab keeps what outlives a run. One fixed place, since the namespaces are machine-wide too, and a short
 * one, since Samba puts Unix sockets below it (108 bytes at most).
 */
export const STATE_DIR = '/tmp/portmatrix-lab';

/** Marks state that is complete; its text is the topology version that made it. */
export const COMPLETE_FILE = join(STATE_DIR, 'complete');

/** Marks that the second forest's state is complete, in the same way. */
export const SECOND_COMPLETE_FILE = join(STATE_DIR, 'second-complete');

/** The lab CA's certificate: the bundle against which both DCs' LDAPS certificates verify. */
export const CA_FILE = join(STATE_DIR, 'tls', 'ca.pem');

/** The Kerberos configuration for every Samba program of the lab; finds the KDCs by DNS. */
export const KRB5_FILE = join(STATE_DIR, 'krb5.conf');

/** The folder that holds one DC's database, configuration, sockets and logs. */
export function dcDir(dc: AnyDcName): string {
  return join(STATE_DIR, dc);
}

/** Makes the state folder for root alone, and throws if the name is taken by anything that is not root's folder. */
export function makeStateDir(): void {
  mkdirSync(STATE_DIR, { recursive: true, mode: 0o700 });
  const found = lstatSync(STATE_DIR);
  if (!found.isDirectory() || found.uid !== 0) throw new Error(`${STATE_DIR} is not a folder of root's; the lab does not use it`);
}

/** Deletes everything the lab kept, except the locks that others may hold or wait for. */
export function deleteState(): void {
  for (const name of ['complete', 'krb5.conf', 'tls', 'dc1', 'dc2', 'second-complete', 'dc3'])
    rmSync(join(STATE_DIR, name), { recursive: true, force: true });
}

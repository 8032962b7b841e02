import { attempt } from './command.ts';
import { smbConf } from './samba.ts';
import { KRB5_FILE } from './state.ts';
import { ADMINISTRATOR, HOSTS, OTHER, inNetns } from './topology.ts';

/** How the creation of a trust ended: whether both sides have it, and the tool's last words. */
export interface Trust {
  readonly created: boolean;
  readonly said: string;
}

/** A trust that is not there by then is not created. */
const boundMs = 60_000;

/** Really creates a forest trust, both ways, between the two forests from dc1, and takes it back. */
export async function tryTrust(): Promise<Trust> {
  const { code, stdout, stderr } = await trust('create', ['--type=forest', '--direction=both', '--create-location=both']);
  // Also after a failure: one side may have it.
  await trust('delete', [`--delete-location=${code === 0 ? 'both' : 'local'}`]);
  return { created: code === 0, said: `${stdout}\n${stderr}`.trim() };
}

function trust(verb: 'create' | 'delete', words: readonly string[]) {
  const account = `-U${ADMINISTRATOR.name}@${OTHER.realm}%${ADMINISTRATOR.password}`;
  const argv = [...inNetns(HOSTS.dc1.netns), 'samba-tool', 'domain', 'trust', verb, OTHER.name, '-s', smbConf('dc1'), account, ...words];
  return attempt(argv, { timeoutMs: boundMs, env: { KRB5_CONFIG: KRB5_FILE } });
}

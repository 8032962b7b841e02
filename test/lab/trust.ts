import { attempt } from './command.ts';
import { smbConf } from './samba.ts';
import { KRB5_FILE } from './state.ts';
import { ADMINISTRATOR, type AnyDcName, CORP, OTHER, hostOf, inNetns } from './topology.ts';

/** How the creation of a trust ended: whether both sides have it, and the tool's last words. */
export interface Trust {
  readonly created: boolean;
  readonly said: string;
}

/** A trust that is not there by then is not created. */
const boundMs = 60_000;

/**
 * Really creates a forest trust, both ways, between the two forests from dc1, and takes back what came of it on either side. Validated only on demand:
 * to a winbindd that has seen a trust of this name go, as after an earlier call, the next one is "disabled", however well it was created.
 */
export async function tryTrust({ validated }: { readonly validated: boolean }): Promise<Trust> {
  await forgetTrust();
  try {
    const account = `-U${ADMINISTRATOR.name}@${OTHER.realm}%${ADMINISTRATOR.password}`;
    const kind = ['--type=forest', '--direction=both', '--create-location=both', ...(validated ? [] : ['--skip-validation'])];
    const { code, stdout, stderr } = await trust('dc1', ['create', OTHER.name, account, ...kind]);
    return { created: code === 0, said: `${stdout}\n${stderr}`.trim() };
  } finally {
    await forgetTrust();
  }
}

/** Each DC deletes its own side, for a creation that failed may have left but one; throws where a side is left. */
async function forgetTrust(): Promise<void> {
  for (const [dc, other] of [
    ['dc1', OTHER],
    ['dc3', CORP],
  ] as const) {
    await trust(dc, ['delete', other.name, '--delete-location=local']);
    const { code, stdout, stderr } = await trust(dc, ['list']);
    if (code !== 0 || stdout.includes(other.name)) throw new Error(`${dc} still trusts ${other.name}: ${stdout}\n${stderr}`);
  }
}

function trust(dc: AnyDcName, words: readonly string[]) {
  const argv = [...inNetns(hostOf(dc).netns), 'samba-tool', 'domain', 'trust', ...words, '-s', smbConf(dc)];
  return attempt(argv, { timeoutMs: boundMs, env: { KRB5_CONFIG: KRB5_FILE } });
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../support/binary.ts';
import { attempt, run } from './command.ts';
import { STATE_DIR } from './state.ts';

const version = '7.0.0';

/**
 * Returns a NODE_PATH in which the package `kerberos` loads: that of the checkout, or one that is built once in the lab's state folder, from its sources, so
 * that the checkout stays as it is.
 */
export async function kerberosAddon(): Promise<string> {
  const folders = [checkout, join(STATE_DIR, 'kerberos')];
  for (const folder of folders) if (await loads(folder)) return join(folder, 'node_modules');
  const [, folder = ''] = folders;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { [`kerberos@${version}`]: true } }));
  const install = ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--save-exact', `kerberos@${version}`];
  await run(install, { timeoutMs: 300_000, env: { npm_config_build_from_source: 'true' } });
  if (!(await loads(folder))) throw new Error(`the package kerberos was built in ${folder}, and does not load`);
  return join(folder, 'node_modules');
}

async function loads(folder: string): Promise<boolean> {
  const { code } = await attempt([process.execPath, '-e', 'require(process.argv[1])', join(folder, 'node_modules', 'kerberos')]);
  return code === 0;
}

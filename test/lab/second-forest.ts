import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { makeCertificate } from './certificates.ts';
import { takeLock } from './lock.ts';
import { attachHost, pidsIn, removeNetwork } from './network.ts';
import { awaitReadiness } from './readiness.ts';
import { provisionForest, startDc } from './samba.ts';
import { SECOND_COMPLETE_FILE, dcDir } from './state.ts';
import { DC3, TOPOLOGY_VERSION } from './topology.ts';

/**
 * Brings up the second forest, `other.example.test` with dc3 as its only DC, beside a raised first one, and returns when dc3 answers everything.
 * Re-uses it where it runs, else starts kept state, else provisions. It stays until the lab is razed or raised anew.
 */
export async function raiseSecondForest(): Promise<void> {
  const lock = await takeLock('raise');
  try {
    if (!(await reuseRunning()) && !(await startKept())) await provision();
  } finally {
    await lock.release();
  }
}

async function reuseRunning(): Promise<boolean> {
  if (!isKept() || (await pidsIn(DC3.netns)).length === 0) return false;
  return answers(10_000);
}

async function startKept(): Promise<boolean> {
  if (!isKept()) return false;
  await attach();
  startDc('dc3');
  return answers(30_000);
}

async function provision(): Promise<void> {
  for (const path of [SECOND_COMPLETE_FILE, dcDir('dc3')]) rmSync(path, { recursive: true, force: true });
  await Promise.all([attach(), makeCertificate('dc3')]);
  await provisionForest('dc3');
  startDc('dc3');
  await awaitReadiness(['dc3'], 60_000);
  writeFileSync(SECOND_COMPLETE_FILE, TOPOLOGY_VERSION);
}

async function attach(): Promise<void> {
  await removeNetwork([DC3.netns]);
  await attachHost(DC3, [DC3.address]);
}

function isKept(): boolean {
  return existsSync(SECOND_COMPLETE_FILE) && readFileSync(SECOND_COMPLETE_FILE, 'utf8') === TOPOLOGY_VERSION;
}

/** Whether dc3 answers in time; if not, warns what is missing, for the caller goes on with a slower way. */
async function answers(boundMs: number): Promise<boolean> {
  try {
    await awaitReadiness(['dc3'], boundMs);
    return true;
  } catch (error) {
    process.emitWarning(`lab: the second forest: ${String(error)}`);
    return false;
  }
}

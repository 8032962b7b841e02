import { runAs, smbConf } from './samba.ts';
import { ADMINISTRATOR, DCS } from './topology.ts';
import type { DcName } from './topology.ts';

const suffix = 'DC=corp,DC=example,DC=test';

/** The naming contexts that both DCs hold and replicate. */
export const NAMING_CONTEXTS: readonly string[] = [
  suffix,
  `CN=Configuration,${suffix}`,
  `CN=Schema,CN=Configuration,${suffix}`,
  `DC=DomainDnsZones,${suffix}`,
  `DC=ForestDnsZones,${suffix}`,
];

const boundMs = 20_000;
const rounds = 3;

/**
 * Makes each DC replicate every naming context from the other, if `force` or if one of them has not done so or failed
 * the last time; throws when some still fail after three rounds.
 */
export async function settleReplication(force: boolean): Promise<void> {
  for (let round = 0; ; round += 1) {
    const failing = await failingLinks();
    if (failing.length === 0 && !(force && round === 0)) return;
    if (round === rounds) throw new Error(`replication does not work: ${failing.join('; ')}`);
    // Without its knowledge consistency checker dc1 learns of dc2 only after five minutes.
    await drs('dc1', ['kcc', 'dc1']);
    // The records that dc2 registered first: with them both DCs can answer for both.
    await pull('dc1', 'dc2');
    await pull('dc2', 'dc1');
  }
}

/** Names the replication links (puller and naming context) that never worked or failed the last time. */
async function failingLinks(): Promise<string[]> {
  const perDc = await Promise.all(
    DCS.map(async (dc) => {
      const shown = await drs(dc, ['showrepl', '--json', dc]);
      if (shown === undefined) return [`${dc} did not say`];
      const working = new Set(workingContexts(JSON.parse(shown)));
      return NAMING_CONTEXTS.filter((nc) => !working.has(nc)).map((nc) => `${dc} has not ${nc}`);
    }),
  );
  return perDc.flat();
}

function workingContexts(shown: unknown): unknown[] {
  const links: unknown = isRecord(shown) ? shown['repsFrom'] : undefined;
  if (!Array.isArray(links)) return [];
  return links
    .filter(isRecord)
    .filter((link) => link['consecutive failures'] === 0 && link['last success'] !== 'NTTIME(0)')
    .map((link) => link['NC dn']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

async function pull(destination: DcName, source: DcName): Promise<void> {
  for (const nc of NAMING_CONTEXTS) await drs(destination, ['replicate', destination, source, nc]);
}

/** Runs `samba-tool drs` on a DC; nothing where it failed or stalled (Samba's RPC then waits 60 s), for the next round to judge. */
async function drs(dc: DcName, args: readonly string[]): Promise<string | undefined> {
  const account = `-U${ADMINISTRATOR.name}%${ADMINISTRATOR.password}`;
  try {
    return await runAs(dc, ['samba-tool', 'drs', ...args, '-s', smbConf(dc), account], boundMs);
  } catch (error) {
    process.emitWarning(`lab: ${String(error)}`);
    return undefined;
  }
}

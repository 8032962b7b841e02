import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { makeCertificates } from './certificates.ts';
import { clearFirewall } from './firewall.ts';
import { setIcmpRateLimit } from './icmp-rate-limit.ts';
import { takeLock } from './lock.ts';
import { buildNetwork, existingNamespaces, pidsIn, removeNetwork } from './network.ts';
import { clearPath } from './path.ts';
import { pollUntil } from './poll.ts';
import { awaitReadiness } from './readiness.ts';
import { settleReplication } from './replication.ts';
import { joinDc2, provisionForest, runAs, smbConf, startDc, writeKrb5 } from './samba.ts';
import { CA_FILE, COMPLETE_FILE, deleteState } from './state.ts';
import { ADMINISTRATOR, DCS, DOMAIN, HOSTS, NAMESPACES, NETBIOS_DOMAIN, REALM, TOPOLOGY_VERSION, inNetns } from './topology.ts';
import type { Host, HostName } from './topology.ts';

/** A running forest: two joined Samba DCs, a client and a bastion, each in a network namespace behind a router. */
export type Forest = {
  readonly domain: string;
  readonly realm: string;
  readonly netbiosDomain: string;
  readonly administrator: { readonly name: string; readonly password: string };
  /** The CA bundle against which both DCs' LDAPS certificates verify. */
  readonly caFile: string;
  readonly hosts: Readonly<Record<HostName, Host>>;
  /** The command prefix that runs a program on a host. */
  readonly prefix: (host: HostName) => string[];
};

const forest: Forest = {
  domain: DOMAIN,
  realm: REALM,
  netbiosDomain: NETBIOS_DOMAIN,
  administrator: ADMINISTRATOR,
  caFile: CA_FILE,
  hosts: HOSTS,
  prefix: (host) => [...inNetns(HOSTS[host].netns)],
};

/**
 * Brings the forest up and returns it when both DCs answer everything over IPv4 and IPv6, replicate both ways, the
 * firewall is empty and ICMP is not limited. Re-uses a healthy forest, else starts kept state, else provisions; recovers
 * from whatever a killed run left. One raise at a time on a machine; throws with what is missing if it does not come up.
 */
export async function raiseForest(): Promise<Forest> {
  const lock = await takeLock('raise');
  try {
    if (!(await reuseRunning()) && !(await startKept())) await provision();
    return forest;
  } finally {
    await lock.release();
  }
}

/**
 * Raises the forest for its only user: other borrowers on the machine wait. Whoever sets rules or the ICMP limit borrows;
 * `release` takes both back.
 */
export async function borrowForest(): Promise<{ forest: Forest; release: () => Promise<void> }> {
  const lock = await takeLock('use');
  try {
    await raiseForest();
  } catch (error) {
    await lock.release();
    throw error;
  }
  const release = async (): Promise<void> => {
    try {
      await openRouter();
    } finally {
      await lock.release();
    }
  };
  return { forest, release };
}

/**
 * Ends the forest's processes and removes its namespaces, once nobody on the machine has borrowed it; keeps the DCs' state for a fast next raise unless
 * `purge`. Not for a borrower, who would wait for itself.
 */
export async function razeForest({ purge = false }: { purge?: boolean } = {}): Promise<void> {
  const use = await takeLock('use');
  try {
    const lock = await takeLock('raise');
    try {
      await removeNetwork();
      if (purge) deleteState();
    } finally {
      await lock.release();
    }
  } finally {
    await use.release();
  }
}

async function reuseRunning(): Promise<boolean> {
  if (!isKept() || (await existingNamespaces()).length < NAMESPACES.length) return false;
  for (const dc of DCS) if ((await pidsIn(HOSTS[dc].netns)).length === 0) return false;
  return succeeds('the running forest is not healthy', async () => {
    await openRouter();
    // Ample, for a machine busy with benchmarks: to start a forest anew under its user would be worse than to wait.
    await awaitReadiness(DCS, 10_000);
    await settleReplication(false);
  });
}

async function startKept(): Promise<boolean> {
  if (!isKept()) return false;
  return succeeds('the kept state does not start', async () => {
    await removeNetwork();
    await buildNetwork();
    for (const dc of DCS) startDc(dc);
    await awaitReadiness(DCS, 30_000);
    await settleReplication(false);
  });
}

async function provision(): Promise<void> {
  await removeNetwork();
  deleteState();
  writeKrb5();
  await Promise.all([buildNetwork(), makeCertificates()]);
  await provisionForest('dc1');
  startDc('dc1');
  await awaitReadiness(['dc1'], 60_000);
  await joinDc2();
  startDc('dc2');
  await pollUntil('registration of dc2 in DNS', 60_000, registerDc2);
  await settleReplication(true);
  await awaitReadiness(DCS, 60_000);
  writeFileSync(COMPLETE_FILE, TOPOLOGY_VERSION);
}

/** Takes back whatever a user, perhaps a killed one, has set. */
async function openRouter(): Promise<void> {
  await Promise.all([clearFirewall(), clearPath(), setIcmpRateLimit(false)]);
}

/** Registers what dc2's Samba has not registered yet; returns what keeps it from that, if anything. */
async function registerDc2(): Promise<string | undefined> {
  try {
    await runAs('dc2', ['samba_dnsupdate', '-s', smbConf('dc2')], 30_000);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function isKept(): boolean {
  return existsSync(COMPLETE_FILE) && readFileSync(COMPLETE_FILE, 'utf8') === TOPOLOGY_VERSION;
}

/** Whether the step went well; if not, warns why, for the caller goes on with a slower way. */
async function succeeds(what: string, step: () => Promise<void>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    process.emitWarning(`lab: ${what}: ${String(error)}`);
    return false;
  }
}

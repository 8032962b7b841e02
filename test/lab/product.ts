import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../src/report.ts';
import { DOMAIN, HOSTS, type HostName, inNetns } from './topology.ts';

/** IPv4 or IPv6: which of the lab hosts' addresses an inventory names. */
export type Family = 4 | 6;

/** What `portmatrix run` came to: its report as it wrote it, its exit code, and what it printed. */
export interface Ran {
  readonly report: Report;
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly junit: string;
}

/** What a run has in its environment beside the usual. */
type Environment = Readonly<Record<string, string>>;

const roles: Readonly<Record<HostName, readonly string[]>> = { dc1: ['dc'], dc2: ['dc'], client: ['client'], bastion: ['bastion'] };

/** An inventory of the lab, over one address family, as YAML text (JSON is YAML). */
export function inventoryText(caFile: string, family: Family, extra: Readonly<Partial<Record<HostName, object>>> = {}): string {
  const hosts = Object.values(HOSTS).map(({ name, fqdn, netns, address, address6 }) => ({
    name,
    address: family === 4 ? address : address6,
    dnsName: fqdn,
    roles: roles[name],
    ...(roles[name].includes('dc') && { os: 'samba' }),
    connector: { exec: inNetns(netns) },
    ...extra[name],
  }));
  return JSON.stringify({ domain: DOMAIN, authorities: caFile, hosts });
}

/** Runs the product against the lab, through agents in the namespaces, and reads what it wrote: the cells of the matrix, and no control. */
export function runProduct(inventory: string, matrix: string | undefined, words: readonly string[] = [], env: Environment = {}): Promise<Ran> {
  return runWithControl(inventory, matrix, ['--without-control', ...words], env);
}

/** The same as users run it: with the control of each pair that needs one. */
export async function runWithControl(
  inventory: string,
  matrix: string | undefined,
  words: readonly string[] = [],
  env: Environment = {},
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
  try {
    const files = { inventory: join(folder, 'inventory.yaml'), matrix: join(folder, 'matrix.yaml') };
    writeFileSync(files.inventory, inventory);
    if (matrix !== undefined) writeFileSync(files.matrix, matrix);
    const chosen = matrix === undefined ? [] : ['-m', files.matrix];
    const ended = await spawned(['src/bin.cjs', 'run', '-i', files.inventory, ...chosen, '--out', folder, ...words], env);
    // The report is checked against its schema by the unit tests; here it is only read.
    const report: Report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    return { report, ...ended, junit: readFileSync(join(folder, 'junit.xml'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What `portmatrix matrix export --format nftables` makes of the matrices for an inventory. */
export async function exportedRuleset(inventory: string, matrices: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
  try {
    const file = join(folder, 'inventory.yaml');
    writeFileSync(file, inventory);
    const { status, stdout, stderr } = await spawned(['src/bin.cjs', 'matrix', 'export', ...matrices, '--format', 'nftables', '-i', file]);
    if (status !== 0) throw new Error(`matrix export ended with ${status}: ${stderr}`);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function spawned(
  words: readonly string[],
  env: Environment = {},
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

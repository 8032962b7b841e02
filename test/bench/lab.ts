import type { Report, Result } from '../../src/report.ts';
import { type FirewallRule, applyFirewall } from '../lab/firewall.ts';
import { borrowForest, type Forest } from '../lab/forest.ts';
import { Scene } from './scene.ts';

/** The lab's client and its two DCs, asked what the client matrix asks. */
export interface Lab {
  readonly forest: Forest;
  readonly scene: Scene;
  readonly setFirewall: (rules: readonly FirewallRule[]) => Promise<void>;
  readonly release: () => Promise<void>;
}

/** Borrows the forest; nobody else changes its firewall until `release`. */
export async function borrowLab(): Promise<Lab> {
  const { forest, release } = await borrowForest();
  const { client, dc1, dc2 } = forest.hosts;
  const scene = new Scene(
    {
      domain: forest.domain,
      hosts: [
        { name: 'client', address: client.address, roles: ['client'], node: process.execPath, connector: { exec: forest.prefix('client') } },
        { name: 'dc1', address: dc1.address, roles: ['dc'], os: 'samba' },
        { name: 'dc2', address: dc2.address, roles: ['dc'], os: 'samba' },
      ],
    },
    'client-to-dc',
  );
  return {
    forest,
    scene,
    setFirewall: applyFirewall,
    release: async () => {
      scene.remove();
      await release();
    },
  };
}

/** The ports that a run dialled, in nmap's way of writing: `T:53,88,U:53`. */
export function portsOf({ results }: Report): string {
  const dialled = (transport: string): string => {
    const ports = results.flatMap(({ check, outcome }) =>
      check.transport === transport && outcome?.kind === 'observed' ? [outcome.target.port] : [],
    );
    return [...new Set(ports)].toSorted((one, other) => one - other).join(',');
  };
  return `T:${dialled('tcp')},U:${dialled('udp')}`;
}

/** Where a check was asked and how it ended, in one line. */
export function describe({ check, verdict }: Result): string {
  return `${check.rule} ${check.destination} ${verdict.status}${verdict.finding === undefined ? '' : ` ${verdict.finding.code}`}`;
}

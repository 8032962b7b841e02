import { borrowLab, describe, portsOf } from './lab.ts';
import { median } from './repeat.ts';
import type { Row } from './row.ts';
import { timeCommand } from './scene.ts';

const rounds = 5;
/** Healthy Samba DCs have no AD Web Services, and no SMB over QUIC that anybody said. */
const otherwise: Readonly<Record<string, string>> = { adws: 'warn', 'smb-quic': 'skip' };

/** Row 3: nothing is blocked; the whole program against nmap's service scan of the very ports that it dialled. */
export async function clientMatrix(): Promise<readonly Row[]> {
  const { forest, scene, release } = await borrowLab();
  try {
    const { report } = await scene.run();
    const wrong = report.results.filter(({ check, verdict }) => verdict.status !== (otherwise[check.rule] ?? 'pass'));
    for (const result of wrong) console.error(`row 3: ${describe(result)}`);
    const { dc1, dc2 } = forest.hosts;
    const nmap = ['nmap', '-n', '-Pn', '-sT', '-sU', '-sV', '-p', portsOf(report), dc1.address, dc2.address];
    console.error(nmap.join(' '));
    const walls: number[] = [];
    for (let round = 0; round < rounds; round += 1) walls.push((await scene.run()).wallMs);
    // Once: it takes minutes, and others wait for the lab.
    const nmapMs = await timeCommand([...forest.prefix('client'), ...nmap]);
    const wallMs = median(walls);
    return [
      { what: '3. client matrix to two DCs, nothing blocked, whole run', unit: 's', measured: wallMs / 1_000 },
      { what: `3. ${nmap.join(' ')}`, unit: 's', measured: nmapMs / 1_000 },
      { what: '3. times faster than nmap', unit: 'x', budget: 10, atLeast: true, measured: nmapMs / wallMs },
      { what: '3. wrong verdicts', unit: 'verdicts', budget: 0, measured: wrong.length },
    ];
  } finally {
    await release();
  }
}

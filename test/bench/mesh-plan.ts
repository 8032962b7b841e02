import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { median } from './repeat.ts';
import type { Row } from './row.ts';
import { Scene } from './scene.ts';

const dcs = 200;
const rounds = 3;
const [source, repository] = [import.meta.dirname, join(import.meta.dirname, '..', '..')];

/** Walks through every planned check, as a run does, and tells their number and the most memory it took. */
const walk = `
  import { planFrom } from '${join(repository, 'src', 'commands', 'options.ts')}';
  import { plannedChecks } from '${join(repository, 'src', 'plan.ts')}';
  const startedAt = performance.now();
  const { plan } = planFrom({ inventory: process.argv[1], matrix: ['dc-to-dc'], asPublished: false, pace: 'normal' }, '.');
  let count = 0;
  for (const { check } of plannedChecks(plan)) if (check.id !== '') count += 1;
  console.log([count, performance.now() - startedAt, process.resourceUsage().maxRSS * 1024].join(' '));
`;

/** Row 8, its first part: the plan of a mesh of 200 DCs, with every check of it made once. */
export async function meshPlan(): Promise<readonly Row[]> {
  const hosts = Array.from({ length: dcs }, (_, index) => ({
    name: `dc${index}`,
    address: `10.${20 + (index >> 7)}.${index & 127}.10`,
    roles: ['dc'],
    connector: { exec: ['true'] },
  }));
  const scene = new Scene({ domain: 'corp.example.test', hosts }, 'dc-to-dc');
  const inventory = join(scene.folder, 'inventory.yaml');
  const walls: number[] = [];
  const peaks: number[] = [];
  let checks = 0;
  for (let round = 0; round < rounds; round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', walk, inventory], { stdio: ['ignore', 'pipe', 'inherit'], cwd: source });
    const [count = 0, wallMs = 0, peak = 0] = (await text(child.stdout)).split(' ').map(Number);
    checks = count;
    walls.push(wallMs / 1_000);
    peaks.push(peak / 1e6);
  }
  scene.remove();
  return [
    { what: `8. plan of a ${dcs}-DC mesh, ${checks} checks`, unit: 's', budget: 5, measured: median(walls) },
    { what: '8. the same, peak RSS', unit: 'MB', budget: 1_000, measured: median(peaks) },
  ];
}

/** Measures the budgets of the design: `npm run bench`, or `npm run bench -- NAME …` for some of them. Some need root, network namespaces, nft and nmap. */
import { cpus } from 'node:os';
import { blockedMatrix } from './blocked-matrix.ts';
import { bundle } from './bundle.ts';
import { clientMatrix } from './client-matrix.ts';
import { filtered } from './filtered.ts';
import { frame } from './frame.ts';
import { load } from './load.ts';
import { managed } from './managed.ts';
import { memory } from './memory.ts';
import { meshPlan } from './mesh-plan.ts';
import { refused } from './refused.ts';
import { type Bench, type Row, tableOf } from './row.ts';

const benches: Readonly<Record<string, Bench>> = {
  filtered,
  refused,
  'client-matrix': clientMatrix,
  'blocked-matrix': blockedMatrix,
  bundle,
  memory,
  frame,
  'mesh-plan': meshPlan,
  load,
  managed,
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(', ')}: expected some of ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`${name} …`);
    try {
      rows.push(...(await bench()));
    } catch (error) {
      // What the others measured is still worth its minutes.
      console.error(error);
      process.exitCode = 1;
    }
  }
  console.log(`${cpus().length} cores, Node ${process.versions.node}\n\n${tableOf(rows)}`);
}

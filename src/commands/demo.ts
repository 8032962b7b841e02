/** `portmatrix demo`: the whole pipeline against a simulated forest on loopback, in which two things are broken. */
import type { Argv } from 'yargs';
import { differences } from '../demo/comparison.ts';
import { faults } from '../demo/fault.ts';
import { openForest, type Staging } from '../demo/forest.ts';
import { describeFault, playbill } from '../demo/playbill.ts';
import { inventoryOf, mapMatrices } from '../demo/scene.ts';
import { findMatrix } from '../matrix.ts';
import { type Choice, plan } from '../plan.ts';
import type { ExitCode, Terminal } from './command.ts';
import { conduct } from './conduct.ts';
import { runId } from './options.ts';

/** The matrices whose ports the simulated hosts serve. */
const shown = ['dc-to-dc', 'client-to-dc', 'bastion-to-dc'];

/** Long enough for a busy machine, and what the whole demo takes: something in it never answers. */
const timeoutMs = 2_500;

export function describeDemo(argv: Argv) {
  return argv
    .example('$0 demo', 'two DCs, a client and a bastion, simulated; the table on stdout, report.json and junit.xml under reports/<run id>')
    .epilogue(
      'Exit codes: 0 exactly the injected faults were found; 1 something else; 2 wrong usage; 3 it was interrupted. Nothing leaves this machine.',
    );
}

/** Shows the demo. `staging` is for its tests. */
export async function demoCommand(terminal: Terminal, staging?: Staging): Promise<ExitCode> {
  const forest = await openForest(staging);
  try {
    const { hosts, isShared } = forest;
    for (const line of playbill(forest)) await terminal.out(`${line}\n`);
    const inventory = inventoryOf(hosts);
    const published = shown.map((name) => findMatrix(name, { cwd: terminal.cwd, asPublished: false }));
    const choice: Choice = { run: runId(new Date()), sources: [], destinations: [], rules: [], timeoutMs, attempts: 2, paceName: 'normal' };
    const planned = plan(mapMatrices(published, hosts, isShared), inventory, choice);
    const { report, isWritten } = await conduct({ plan: planned, inventory, choice, formats: ['table'], emulated: true }, terminal);
    if (report.run.interrupted === true) return 3;
    const injected = forest.faults.map((name) => faults[name]);
    const differing = differences(planned, hosts, injected, report.results);
    if (differing.length === 0) {
      await terminal.out(`\nFound, and nothing else:\n${injected.map((fault) => `  ${describeFault(fault, hosts)}\n`).join('')}`);
      return isWritten ? 0 : 3;
    }
    await terminal.out(`\nThis is not what was injected:\n${differing.map((line) => `  ${line}\n`).join('')}`);
    return 1;
  } finally {
    await forest.close();
  }
}

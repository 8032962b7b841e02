/** `portmatrix validate`: are these files right? Nothing is sent. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { readInventory } from '../inventory.ts';
import { findMatrix } from '../matrix.ts';
import { UsageError } from '../usage-error.ts';
import { type ExitCode, list, type Terminal } from './command.ts';

export function describeValidate(argv: Argv) {
  return argv
    .option('inventory', { alias: 'i', type: 'string', requiresArg: true, describe: 'an inventory file' })
    .option('matrix', { alias: 'm', type: 'string', array: true, requiresArg: true, describe: 'a published matrix by name, or a file' })
    .example('$0 validate -i inventory.yaml -m mine.yaml', 'both files')
    .epilogue('Exit codes: 0 every file is right; 2 one is not, and the message says where.');
}

/** Reads each file and says what is in it; the first wrong one is a `UsageError`. */
export async function validateCommand(
  options: { readonly inventory?: string | undefined; readonly matrix?: readonly string[] | undefined },
  terminal: Terminal,
): Promise<ExitCode> {
  const matrices = list('--matrix', options.matrix);
  if (options.inventory === undefined && matrices.length === 0)
    throw new UsageError('nothing to validate: expected -i FILE, -m NAME-OR-FILE or both');
  for (const name of matrices) {
    const { rules, from, to } = findMatrix(name, { cwd: terminal.cwd, asPublished: false });
    await terminal.out(`${name}: right, ${rules.length} rules from ${from.join(', ')} to ${to}\n`);
  }
  if (options.inventory !== undefined) {
    const { hosts, links } = readInventory(resolve(terminal.cwd, options.inventory));
    const vantages = hosts.filter(({ connector }) => connector.kind !== 'none').length;
    await terminal.out(
      `${options.inventory}: right, ${hosts.length} hosts (${vantages} can run an agent), ${links.length === 0 ? 'everybody may talk to everybody' : `${links.length} links`}\n`,
    );
  }
  return 0;
}

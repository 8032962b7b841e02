/** `portmatrix matrix`: the matrices that come with the product. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { readInventory } from '../inventory.ts';
import { findMatrix, matrixFile, publishedMatrices } from '../matrix.ts';
import { permissions } from '../permission.ts';
import { csvTable, markdownTable } from '../reporters/rule-table.ts';
import { ruleset } from '../reporters/ruleset.ts';
import { UsageError } from '../usage-error.ts';
import type { ExitCode, Terminal } from './command.ts';

/** Prints one line a matrix: name, who asks whom, how many rules, title. */
export async function listCommand(terminal: Terminal): Promise<ExitCode> {
  for (const name of publishedMatrices()) {
    const { title, from, to = 'names', rules, source, onRequest } = findMatrix(name, { cwd: terminal.cwd, asPublished: false });
    await terminal.out(
      `${name.padEnd(18)} ${`${from.join(', ')} -> ${to}`.padEnd(16)} ${String(rules.length).padStart(3)} rules  ${title}${onRequest ? ` (only with -m ${name})` : ''}\n${' '.repeat(19)}${source}\n`,
    );
  }
  return 0;
}

export function describeList(argv: Argv) {
  return argv.example('$0 matrix list', 'their names, who asks whom, and where they are published').epilogue('Exit codes: 0 printed; 2 wrong usage.');
}

export function describeShow(argv: Argv) {
  return argv
    .positional('name', { type: 'string', demandOption: true, describe: 'a published matrix, or a file' })
    .option('format', {
      choices: ['yaml', 'json'] as const,
      requiresArg: true,
      default: 'yaml' as const,
      describe: 'yaml: the file as it is; json: every default filled in',
    })
    .option('as-published', { type: 'boolean', default: false, describe: 'json only: the rows as they were published' })
    .example('$0 matrix show client-to-dc > mine.yaml', 'a copy to start from')
    .example('$0 matrix show dc-to-dc --format json --as-published', 'every default filled in, our corrections left out')
    .epilogue('Exit codes: 0 printed; 2 wrong usage, or a wrong matrix.');
}

/** Prints a matrix. */
export async function showCommand(
  options: { readonly name: string; readonly format: 'yaml' | 'json'; readonly asPublished: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  if (options.asPublished && options.format === 'yaml')
    throw new UsageError('--as-published prints values and not the file: expected --format json with it');
  const where = { cwd: terminal.cwd, asPublished: options.asPublished };
  const matrix = findMatrix(options.name, where);
  await terminal.out(options.format === 'json' ? `${JSON.stringify(matrix, null, 2)}\n` : readFileSync(matrixFile(options.name, where.cwd), 'utf8'));
  return 0;
}

export function describeExport(argv: Argv) {
  return argv
    .positional('names', { type: 'string', array: true, demandOption: true, describe: 'published matrices, or files' })
    .option('format', {
      choices: ['markdown', 'csv', 'nftables'] as const,
      requiresArg: true,
      default: 'markdown' as const,
      describe: 'nftables: a ruleset for a firewall between the hosts of the inventory, one chain a source',
    })
    .option('inventory', { alias: 'i', type: 'string', requiresArg: true, describe: 'nftables only: the hosts' })
    .option('as-published', { type: 'boolean', default: false, describe: 'the rows as they were published, without our corrections' })
    .example('$0 matrix export client-to-dc --format csv > ports.csv', 'for a spreadsheet')
    .example('$0 matrix export client-to-dc bastion-to-dc --format nftables -i inventory.yaml', 'the rules of both, for nft -f')
    .epilogue('Exit codes: 0 printed; 2 wrong usage, or a wrong matrix or inventory.');
}

/** Prints matrices in another form. */
export async function exportCommand(
  options: {
    readonly names: readonly string[];
    readonly format: 'markdown' | 'csv' | 'nftables';
    readonly inventory?: string | undefined;
    readonly asPublished: boolean;
  },
  terminal: Terminal,
): Promise<ExitCode> {
  const { names, format, inventory, asPublished } = options;
  const matrices = [...new Set(names)].map((name) => findMatrix(name, { cwd: terminal.cwd, asPublished }));
  for (const text of exported()) await terminal.out(text);
  return 0;

  function exported(): Iterable<string> {
    if (format !== 'nftables') {
      if (inventory !== undefined) throw new UsageError(`--inventory is of no use to --format ${format}: expected it with nftables`);
      return format === 'csv' ? csvTable(matrices) : markdownTable(matrices);
    }
    if (inventory === undefined) throw new UsageError('--format nftables is about hosts: expected -i FILE with it');
    const hosts = readInventory(resolve(terminal.cwd, inventory));
    const found = permissions(matrices, hosts);
    if (found.length === 0)
      throw new UsageError(`${inventory}: no two hosts of it meet in ${names.join(', ')}: expected hosts with the roles of a matrix`);
    return ruleset(found, { matrices, inventory, version: terminal.version });
  }
}

/** `portmatrix matrix`: the matrices that come with the product. */
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { findMatrix, matrixFile, publishedMatrices } from '../matrix.ts';
import { UsageError } from '../usage-error.ts';
import type { ExitCode, Terminal } from './command.ts';

/** Prints one line a matrix: name, who asks whom, how many rules, title. */
export async function listCommand(terminal: Terminal): Promise<ExitCode> {
  for (const name of publishedMatrices()) {
    const { title, from, to, rules, source } = findMatrix(name, { cwd: terminal.cwd, asPublished: false });
    await terminal.out(
      `${name.padEnd(16)} ${`${from.join(', ')} -> ${to}`.padEnd(16)} ${String(rules.length).padStart(3)} rules  ${title}\n${' '.repeat(17)}${source}\n`,
    );
  }
  return 0;
}

export function describeList(argv: Argv) {
  return argv.example('$0 matrix list', 'their names, who asks whom, and where they are published');
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
    .example('$0 matrix show client-to-dc > mine.yaml', 'a copy to start from');
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

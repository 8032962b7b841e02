/** `portmatrix explain`: what a port, a rule or a check is about. Nothing is sent. */
import type { Argv } from 'yargs';
import { control } from '../control.ts';
import { findMatrix, publishedMatrices } from '../matrix.ts';
import { explanation } from '../reporters/explanation.ts';
import { subjectsOf } from '../subject.ts';
import { type ExitCode, list, type Terminal } from './command.ts';

export function describeExplain(argv: Argv) {
  return argv
    .positional('subject', { type: 'string', demandOption: true, describe: 'a port, a rule, or the id of a check as a report has it' })
    .option('matrix', {
      alias: 'm',
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'look only in these: a published matrix by name, or a file; default: every published one',
    })
    .example('$0 explain 389', 'every rule that asks port 389')
    .example('$0 explain 389/udp', 'the same over UDP alone')
    .example('$0 explain ldap', 'the rule of that name, in every matrix that has one')
    .example('$0 explain client-to-dc/ldap', 'the rule of one matrix')
    .example("$0 explain 'client-to-dc/ldap/client1->dc1:389/tcp'", 'one check of a report');
}

/** Prints what the subject stands for. */
export async function explainCommand(
  options: { readonly subject: string; readonly matrix?: readonly string[] | undefined },
  terminal: Terminal,
): Promise<ExitCode> {
  const chosen = list('--matrix', options.matrix);
  const editions = (chosen.length > 0 ? chosen : publishedMatrices()).map((name) => ({
    corrected: findMatrix(name, { cwd: terminal.cwd, asPublished: false }),
    published: findMatrix(name, { cwd: terminal.cwd, asPublished: true }),
  }));
  const asked = [...editions, { corrected: control, published: control }];
  for (const text of explanation(subjectsOf(options.subject, asked), terminal)) await terminal.out(text);
  return 0;
}

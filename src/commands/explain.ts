/** `portmatrix explain`: what a port, a rule or a check is about. Nothing is sent. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { control } from '../control.ts';
import { findMatrix, publishedMatrices } from '../matrix.ts';
import { readReport } from '../report-file.ts';
import { reportedSubject } from '../reported-subject.ts';
import { explanation } from '../reporters/explanation.ts';
import { resultExplanation } from '../reporters/result-explanation.ts';
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
    .option('report', {
      type: 'string',
      requiresArg: true,
      describe: 'a report.json: what its check of that id saw, what that means, whom to ask, and the rules that open it between these addresses',
    })
    .example('$0 explain 389', 'every rule that asks port 389')
    .example('$0 explain 389/udp', 'the same over UDP alone')
    .example('$0 explain ldap', 'the rule of that name, in every matrix that has one')
    .example('$0 explain client-to-dc/ldap', 'the rule of one matrix')
    .example("$0 explain 'client-to-dc/ldap/client1->dc1:389/tcp'", 'the rule of one check')
    .example("$0 explain 'client-to-dc/ldap/client1->dc1:389/tcp' --report reports/last/report.json", 'one result: what was seen, and what to do')
    .epilogue('Exit codes: 0 explained, whatever the verdict; 2 wrong usage, or nothing of that name.');
}

/** Prints what the subject stands for, or what became of it in a run. */
export async function explainCommand(
  options: { readonly subject: string; readonly matrix?: readonly string[] | undefined; readonly report?: string | undefined },
  terminal: Terminal,
): Promise<ExitCode> {
  const chosen = list('--matrix', options.matrix);
  const editions = (chosen.length > 0 ? chosen : publishedMatrices()).map((name) => ({
    corrected: findMatrix(name, { cwd: terminal.cwd, asPublished: false }),
    published: findMatrix(name, { cwd: terminal.cwd, asPublished: true }),
  }));
  const asked = [...editions, { corrected: control, published: control }];
  for (const text of explained()) await terminal.out(text);
  return 0;

  function explained(): Iterable<string> {
    const { subject, report } = options;
    if (report === undefined) return explanation(subjectsOf(subject, asked), terminal);
    return resultExplanation(reportedSubject(subject, readReport(resolve(terminal.cwd, report)), report, asked), terminal);
  }
}

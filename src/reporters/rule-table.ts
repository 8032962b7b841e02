/** The rules of matrices as a table: for documents and for spreadsheets. */
import { directionOf, type Matrix, type Rule } from '../matrix.ts';
import { portText } from '../port-range.ts';

interface Column {
  readonly title: string;
  readonly text: (rule: Rule, matrix: Matrix) => string;
  /** Left out where the table is for people: the heading says it, or it is too much. */
  readonly forMachines?: true;
}

const columns: readonly Column[] = [
  { title: 'matrix', text: (_rule, { name }) => name, forMachines: true },
  { title: 'from', text: (_rule, { from }) => from.join(', '), forMachines: true },
  { title: 'to', text: ({ to }, matrix) => to?.name ?? matrix.to ?? '', forMachines: true },
  { title: 'rule', text: ({ id }) => id },
  { title: 'row', text: ({ row }) => `${row ?? ''}` },
  { title: 'ports', text: ({ ports }) => ports.map(portText).join(', ') },
  { title: 'direction', text: ({ direction }) => direction },
  { title: 'expect', text: ({ expect }) => expect.join(', ') },
  { title: 'requirement', text: ({ requirement }) => requirement },
  { title: 'reverse requirement', text: ({ direction, reverseRequirement }) => (direction === 'both' ? reverseRequirement : ''), forMachines: true },
  { title: 'when', text: ({ when }) => when.join(', ') },
  { title: 'probe', text: ({ probe }) => probe },
  { title: 'interfaces', text: ({ interfaces }) => interfaces.join(', '), forMachines: true },
  { title: 'after', text: ({ after }) => after.join(', '), forMachines: true },
  { title: 'traffic', text: ({ traffic }) => traffic },
  { title: 'usage', text: ({ usage }) => usage.join(', ') },
  { title: 'purposes', text: ({ purposes }) => purposes.join(', '), forMachines: true },
  { title: 'symptoms', text: ({ symptoms }) => symptoms.join(', ') },
  { title: 'note', text: ({ note }) => note ?? '' },
  { title: 'source', text: ({ source }) => source, forMachines: true },
];

/** Markdown: a heading and a table each. */
export function* markdownTable(matrices: readonly Matrix[]): Generator<string, void> {
  const shown = columns.filter(({ forMachines }) => forMachines !== true);
  for (const [index, matrix] of matrices.entries()) {
    if (index > 0) yield '\n';
    yield `## ${cell(matrix.title)}\n\n`;
    yield `\`${matrix.name}\`${matrix.asPublished ? ', as published' : ''}: from ${directionOf(matrix)}. Source: ${cell(matrix.source)}\n\n`;
    yield `| ${shown.map(({ title }) => title).join(' | ')} |\n|${' --- |'.repeat(shown.length)}\n`;
    for (const rule of matrix.rules) yield `| ${shown.map(({ text }) => cell(text(rule, matrix))).join(' | ')} |\n`;
  }
}

/** CSV (RFC 4180): one header, one record a rule. */
export function* csvTable(matrices: readonly Matrix[]): Generator<string, void> {
  yield record(columns.map(({ title }) => title));
  for (const matrix of matrices) for (const rule of matrix.rules) yield record(columns.map(({ text }) => text(rule, matrix)));
}

/** Text that a Markdown table shows as it is. */
function cell(text: string): string {
  return text.replaceAll(/[\\|`*_<>[\]]/g, (character) => `\\${character}`);
}

function record(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\r\n`;
}

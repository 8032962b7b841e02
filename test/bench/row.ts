/** One line of the results. `budget` is the most that is allowed, unless `atLeast`; without a budget the line is there to compare with. */
export interface Row {
  readonly what: string;
  readonly unit: 's' | 'ms' | 'MB' | 'bytes' | 'x' | 'sockets' | 'verdicts' | 'calls';
  readonly measured: number;
  readonly budget?: number;
  readonly atLeast?: boolean;
}

/** A bench: measures what it is named for, and cleans up behind itself. */
export type Bench = () => Promise<readonly Row[]>;

/** Whether a line keeps its budget; undefined where it has none. */
export function isKept({ measured, budget, atLeast = false }: Row): boolean | undefined {
  if (budget === undefined) return undefined;
  return atLeast ? measured >= budget : measured <= budget;
}

/** The results as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { what, unit, measured, budget, atLeast = false } = row;
    const kept = isKept(row);
    return [
      what,
      budget === undefined ? '' : `${atLeast ? '≥' : '≤'} ${round(budget)} ${unit}`,
      `${round(measured)} ${unit}`,
      budget === undefined || budget === 0 ? '' : (measured / budget).toFixed(2),
      kept === undefined ? '' : kept ? 'ok' : '**over**',
    ];
  });
  const head = ['what', 'budget', 'measured', 'ratio', ''];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function round(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 2 : 0 });
}

/** The rules that a plan asks: those that were chosen, with all that they need, as rows of a job. */
import { createHash } from 'node:crypto';
import type { JobRule, PortSpan } from '../agent/contract/job.ts';
import type { Matrix, PortRange, Rule } from './matrix.ts';
import { isWide } from './port-range.ts';
import type { Requirement } from './verdict.ts';

/** A rule as it is asked: one transport, one port entry or RPC interface. Stands at the same index as its row in `job.rules`. */
export interface PlannedRule {
  readonly matrix: Matrix;
  readonly rule: Rule;
  readonly requirement: Requirement;
}

/** The chosen rules of each matrix, with all that they need. */
export function chooseRules(
  matrices: readonly Matrix[],
  names: readonly string[],
): { readonly chosen: Map<Matrix, readonly Rule[]>; readonly drawnIn: string[] } {
  const drawnIn: string[] = [];
  const chosen = new Map<Matrix, readonly Rule[]>();
  for (const matrix of matrices) {
    const isNamed = ({ id }: Rule): boolean => names.length === 0 || names.includes(id) || names.includes(`${matrix.name}/${id}`);
    const wanted = new Set(matrix.rules.filter(isNamed).map(({ id }) => id));
    for (let grown = true; grown;) {
      const needed = matrix.rules.filter(({ id }) => wanted.has(id)).flatMap(({ after }) => after);
      const missing = needed.filter((id) => !wanted.has(id));
      for (const id of missing) wanted.add(id);
      drawnIn.push(...new Set(missing.map((id) => `${matrix.name}/${id}`)));
      grown = missing.length > 0;
    }
    chosen.set(matrix, prerequisitesFirst(matrix.rules.filter(({ id }) => wanted.has(id))));
  }
  return { chosen, drawnIn };
}

/** The rules in their order, but each after those that it needs. The reader of matrices has refused cycles. */
function prerequisitesFirst(rules: readonly Rule[]): readonly Rule[] {
  const placed = new Map<string, Rule>();
  const place = (rule: Rule): void => {
    if (placed.has(rule.id)) return;
    for (const other of rules) if (rule.after.includes(other.id)) place(other);
    placed.set(rule.id, rule);
  };
  for (const rule of rules) place(rule);
  return [...placed.values()];
}

/** The rows of the job, and which of them each matrix asks forward and in reverse. */
export function flatten(chosen: Map<Matrix, readonly Rule[]>): {
  readonly rows: JobRule[];
  readonly planned: PlannedRule[];
  readonly forward: Map<Matrix, number[]>;
  readonly reverse: Map<Matrix, number[]>;
} {
  const rows: JobRule[] = [];
  const planned: PlannedRule[] = [];
  const forward = new Map<Matrix, number[]>();
  const reverse = new Map<Matrix, number[]>();
  for (const [matrix, rules] of chosen) {
    const add = (rule: Rule, requirement: Requirement, earlier: ReadonlyMap<string, readonly number[]>): number[] =>
      rowsOf(matrix, rule).map((row) => {
        const after = rule.after.flatMap((id) => prerequisiteOf(row, rows, earlier.get(id) ?? []));
        planned.push({ matrix, rule, requirement });
        return rows.push({ ...row, ...(after.length > 0 && { after }) }) - 1;
      });
    const direction = (
      pick: (rule: Rule) => Requirement | undefined,
      reuse: ReadonlyMap<string, readonly number[]>,
    ): Map<string, readonly number[]> => {
      const indices = new Map<string, readonly number[]>();
      for (const rule of rules) {
        const requirement = pick(rule);
        if (requirement === undefined) continue;
        const known = requirement === rule.requirement ? reuse.get(rule.id) : undefined;
        const added = known ?? add(rule, requirement, indices);
        indices.set(rule.id, added);
      }
      return indices;
    };
    const there = direction(({ requirement }) => requirement, new Map());
    const back = direction((rule) => (rule.direction === 'both' ? rule.reverseRequirement : undefined), there);
    forward.set(matrix, [...there.values()].flat());
    reverse.set(matrix, [...back.values()].flat());
  }
  return { rows, planned, forward, reverse };
}

/** Of the rows that a prerequisite makes (`indices` into `rows`), the one that is waited for: that of the same port, where it has several. */
function prerequisiteOf(row: JobRule, rows: readonly JobRule[], indices: readonly number[]): readonly number[] {
  const portOf = ({ transport, ports }: JobRule): string => JSON.stringify([transport, ports]);
  const same = indices.find((index) => indices.length > 1 && portOf(rows[index] ?? row) === portOf(row));
  return same === undefined ? indices.slice(0, 1) : [same];
}

function rowsOf(matrix: Matrix, rule: Rule): JobRule[] {
  const base = { matrix: matrix.name, rule: rule.id, probe: rule.probe, ...(rule.size !== undefined && { size: rule.size }) };
  return rule.ports.flatMap((range): JobRule[] => {
    const { transport } = range;
    const spans = spansOf(range, rule, `${matrix.name}/${rule.id}`);
    if (rule.interfaces.length === 0) return [{ ...base, transport, ports: spans }];
    const ports = isWide(range) ? `${range.first}-${range.last}` : spans;
    return rule.interfaces.map((name) => ({ ...base, transport, ports, interface: name }));
  });
}

/** A TCP range is asked port by port; a UDP range by samples, which are the same in every run of the same rule. */
function spansOf({ first, last, transport }: PortRange, { sample }: Rule, seed: string): readonly PortSpan[] {
  const size = last - first + 1;
  if (transport === 'tcp' || size <= sample) return [[first, last]];
  const ports = new Set<number>();
  for (let turn = 0; ports.size < sample; turn += 1) {
    const hash = createHash('sha256').update(`${seed}:${turn}`).digest();
    ports.add(first + (hash.readUInt32BE(0) % size));
  }
  return [...ports].toSorted((one, other) => one - other).map((port) => [port, port]);
}

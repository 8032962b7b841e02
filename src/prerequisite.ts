/** Rules that wait for others: the order that `after` asks for must exist, and each answer must be one answer. */
import { nameOf, wrong } from './complaint.ts';
import type { Document } from './document.ts';
import { isWide } from './port-range.ts';
import type { PlacedRule, Rule } from './rule.ts';
import { isSmallForm } from './rule-size.ts';
import { UsageError } from './usage-error.ts';

/** Throws the first prerequisite that can never be met, as a UsageError at its entry under `after`. */
export function refuseImpossibleOrder(document: Document, rules: readonly PlacedRule[]): void {
  const byId = new Map(rules.map((placed) => [placed.rule.id, placed]));
  for (const { rule, pathOf } of rules) {
    for (const [index, id] of rule.after.entries()) {
      const path = pathOf('after', index);
      const others = [...byId.keys()].filter((other) => other !== rule.id);
      if (id === rule.id) throw wrong(document, path, 'another rule: a rule cannot wait for itself');
      const prerequisite = byId.get(id)?.rule;
      if (prerequisite === undefined) throw wrong(document, path, 'the id of another rule of this matrix', others);
      if (prerequisite.to?.name !== rule.to?.name)
        throw wrong(document, path, 'a rule with the same destination, because its answer says nothing of another');
      if (!makesOneCheck(prerequisite) && !isSmallForm(prerequisite, rule))
        throw wrong(document, path, 'a rule that makes exactly one check for a pair of hosts, with one port over one transport');
      if (rule.direction === 'both' && prerequisite.direction === 'forward') {
        throw wrong(document, path, `a rule in both directions, because ${rule.id} is in both`);
      }
    }
  }
  refuseCircles(document, byId);
}

function makesOneCheck({ ports, probe }: Rule): boolean {
  return probe !== 'rpc' && ports.length === 1 && !ports.some(isWide);
}

function refuseCircles(document: Document, byId: ReadonlyMap<string, PlacedRule>): void {
  const done = new Set<string>();
  const follow = (id: string, trail: readonly string[]): void => {
    const placed = byId.get(id);
    if (placed === undefined || done.has(id)) return;
    for (const [index, next] of placed.rule.after.entries()) {
      const here = [...trail, id];
      if (here.includes(next)) {
        const path = placed.pathOf('after', index);
        const circle = [...here.slice(here.indexOf(next)), next].join(' after ');
        throw new UsageError(`${nameOf(path)} closes a circle: ${circle}, expected an order in which every rule can wait`, document.placeOf(path));
      }
      follow(next, here);
    }
    done.add(id);
  };
  for (const id of byId.keys()) follow(id, []);
}

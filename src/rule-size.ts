/** Rules that make a question or its answer large: what they need beside them to tell anything. */
import { probes, type ProbeName, traitsOf } from '../agent/contract/probe.ts';
import { wrong } from './complaint.ts';
import type { Document } from './document.ts';
import type { PlacedRule, Rule } from './rule.ts';

/** Throws the first reason for which a size cannot be asked for, or would tell nothing, as a UsageError at the field that has to change. */
export function refuseImpossibleSize(document: Document, { rule, written, pathOf }: PlacedRule, rules: readonly PlacedRule[]): void {
  const { size, probe } = rule;
  if (size === undefined) return;
  const field = size.of === 'request' ? 'size' : 'replySize';
  if (written.size !== undefined && written.replySize !== undefined) {
    throw wrong(document, pathOf('replySize'), 'none beside size: a rule makes either the question large or its answer');
  }
  if (traitsOf(probe).enlarges?.includes(size.of) !== true) {
    const names = Object.keys(probes).filter((name): name is ProbeName => name in probes);
    const able = names.filter((name) => traitsOf(name).enlarges?.includes(size.of) === true);
    throw wrong(document, pathOf(field), `none with the probe ${probe}: only ${able.join(', ')} can make a ${size.of} large without harm`);
  }
  if (rule.ports.length > 1) throw wrong(document, pathOf('ports', 1), `only one port, because ${field} is compared with one small question`);
  if (!rule.expect.includes('open')) throw wrong(document, pathOf('expect'), `open among them, because of ${field}`);
  const small = rules.find((other) => rule.after.includes(other.rule.id) && isSmallForm(other.rule, rule));
  if (small === undefined) {
    const [port] = written.ports;
    throw wrong(document, pathOf(field), `beside it, in after, the rule that asks ${port} with the probe ${probe} and without a size`);
  }
  const missing = small.rule.when.find((feature) => !rule.when.includes(feature));
  if (missing !== undefined) throw wrong(document, pathOf(field), `when: ${missing} beside it, because ${small.rule.id} has it`);
}

/** True when a rule asks, among others, the port of a rule with a size, in the same way and in a small packet. */
export function isSmallForm(rule: Rule, large: Rule): boolean {
  const [port] = large.ports;
  return (
    large.size !== undefined &&
    rule.size === undefined &&
    rule.probe === large.probe &&
    rule.ports.some(({ first, last, transport }) => first === port?.first && last === port.last && transport === port.transport)
  );
}

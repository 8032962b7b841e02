/** Fields of a rule that contradict each other, and rules that ask the same thing twice: what a schema cannot see. */
import { traitsOf } from '../agent/contract/probe.ts';
import { nameOf, wrong } from './complaint.ts';
import { refuseBadName } from './destination-name.ts';
import type { Document } from './document.ts';
import { isWide, overlaps } from './port-range.ts';
import type { PlacedRule, Rule } from './rule.ts';
import { UsageError } from './usage-error.ts';

/** Throws the first contradiction within a rule, as a UsageError at the field that has to change. */
export function refuseContradictions(document: Document, { rule, written, pathOf }: PlacedRule, rules: readonly PlacedRule[]): void {
  for (const [index, range] of rule.ports.entries()) {
    const { transports, identifies } = traitsOf(rule.probe);
    if (!transports.includes(range.transport)) {
      throw wrong(document, pathOf('ports', index), `a port over ${transports.join(' or ')}, which is all that the probe ${rule.probe} speaks`);
    }
    if (isWide(range) && identifies && rule.probe !== 'rpc') {
      throw wrong(document, pathOf('ports', index), `one port, because the probe ${rule.probe} asks one service (ranges go with tcp, udp and rpc)`);
    }
    const twin = rule.ports.slice(0, index).findIndex((earlier) => overlaps(earlier, range));
    if (twin !== -1) throw wrong(document, pathOf('ports', index), `ports that ${nameOf(pathOf('ports', twin))} does not have already`);
  }
  if (rule.to !== undefined) {
    refuseBadName(document, [...pathOf('to'), 'name'], rule.to.name);
    if (rule.direction === 'both')
      throw wrong(document, pathOf('direction'), 'forward, because nothing can look from a destination that is only a name');
    if (rule.when.length > 0) throw wrong(document, pathOf('when'), 'none, because of a destination that is only a name no features are known');
    if (traitsOf(rule.probe).needs !== undefined)
      throw wrong(document, pathOf('probe'), 'a probe whose port is known, because the destination is a name');
  }
  if (rule.probe === 'rpc') {
    if (rule.ports.length > 1)
      throw wrong(document, pathOf('ports', 1), 'only one port or range, because the probe rpc makes one check for each interface');
    if (rule.interfaces.length === 0) throw wrong(document, pathOf('probe'), 'interfaces beside it, like [netlogon, samr]');
    const mapped = rule.after.some((id) => rules.some((other) => other.rule.id === id && other.rule.probe === 'epm'));
    if (!mapped && rule.ports.some(isWide))
      throw wrong(document, pathOf('probe'), 'a rule with the probe epm in after beside it, like [endpoint-mapper]');
  } else if (rule.interfaces.length > 0) {
    throw wrong(document, pathOf('interfaces'), `none with the probe ${rule.probe}: only the probe rpc asks for interfaces`);
  }
  if (rule.probe === 'ldap-bind') {
    const tickets = rule.after.filter((id) => rules.some((other) => other.rule.id === id && other.rule.probe === 'ldap-ticket'));
    if (tickets.length === 0) throw wrong(document, pathOf('probe'), 'a rule with the probe ldap-ticket in after beside it, like [ldap-ticket]');
    const isSpent = rules.some(
      (other) => other.rule !== rule && other.rule.probe === 'ldap-bind' && other.rule.after.some((id) => tickets.includes(id)),
    );
    if (isSpent) throw wrong(document, pathOf('after'), 'an ldap-ticket rule of its own, because a ticket is good for one bind');
    if (rule.ports.length > 1) throw wrong(document, pathOf('ports', 1), 'only one port, because a ticket is good for one bind');
  }
  if (written.sample !== undefined && !(rule.probe === 'udp' && rule.ports.some(isWide))) {
    throw wrong(document, pathOf('sample'), 'none without a range over udp');
  }
  if (written.reverseRequirement !== undefined && rule.direction === 'forward') {
    throw wrong(document, pathOf('reverseRequirement'), 'none without direction: both');
  }
}

/** Throws when a rule has no destination, or a matrix has a role that no rule asks; as a UsageError where one should be, or should not. */
export function refuseAimless(document: Document, rules: readonly PlacedRule[], role: string | undefined): void {
  const aimless = rules.find(({ rule }) => rule.to === undefined);
  if (role !== undefined && aimless === undefined) throw wrong(document, ['to'], 'none, because every rule names its own destination');
  if (role !== undefined || aimless === undefined) return;
  const path = aimless.pathOf('to');
  throw new UsageError(
    `${nameOf(path.slice(0, -1))} has no destination, expected a role of the matrix, like to: dc, or a name of its own, like to: {name: endpoint.example.com}`,
    document.placeOf(path),
  );
}

/** Throws when two rules have one id, or ask the same ports in the same protocol (published tables do the latter, so that is allowed as published). */
export function refuseRepetitions(document: Document, rules: readonly PlacedRule[], asPublished: boolean): void {
  const seen = new Map<string, PlacedRule>();
  for (const placed of rules) {
    const { rule, pathOf } = placed;
    const twin = seen.get(rule.id);
    if (twin !== undefined) throw wrong(document, pathOf('id'), `an id of its own: ${nameOf(twin.pathOf('id'))} is the same`);
    if (!asPublished) for (const earlier of seen.values()) refuseSameCheck(document, placed, earlier.rule);
    seen.set(rule.id, placed);
  }
}

function refuseSameCheck(document: Document, { rule, pathOf }: PlacedRule, earlier: Rule): void {
  if (rule.probe !== earlier.probe || rule.to?.name !== earlier.to?.name) return;
  if (rule.size?.of !== earlier.size?.of || rule.size?.bytes !== earlier.size?.bytes) return;
  // Both directions include forward, so any two rules with the same ports meet in one direction at least.
  if (rule.probe === 'rpc' && !rule.interfaces.some((name) => earlier.interfaces.includes(name))) return;
  const index = rule.ports.findIndex((range) => earlier.ports.some((other) => overlaps(range, other)));
  if (index === -1) return;
  const path = pathOf('ports', index);
  const message = `${nameOf(path)} is ${document.show(path)}, which the rule ${earlier.id} asks with the same probe ${rule.probe}, expected each check once`;
  throw new UsageError(message, document.placeOf(path));
}

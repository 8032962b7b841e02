/**
 * The control of a handshake. Something on the path may complete every handshake: a SYN proxy, a transparent proxy, a load balancer. Then a port that connects
 * proves nothing, and neither does it show that the destination is alive. So whoever is asked for a bare handshake, or for TCP that must not get through, is
 * also asked, once a pair, for a port that must not answer.
 */
import { createHash } from 'node:crypto';
import type { Check } from '../agent/contract/check.ts';
import { traitsOf } from '../agent/contract/probe.ts';
import type { Matrix } from './matrix.ts';
import { defaultLimits, type Rule } from './rule.ts';

/** IANA has assigned TCP 40 to nothing, no service of a DC or of the matrices comes near it, and no system hands it out as an ephemeral port. */
const unassigned = 40;

const rule: Rule = {
  id: 'unassigned-port',
  ports: [{ first: unassigned, last: unassigned, transport: 'tcp' }],
  probe: 'tcp',
  direction: 'forward',
  requirement: 'optional',
  reverseRequirement: 'optional',
  when: [],
  expect: ['closed', 'filtered'],
  limits: defaultLimits,
  after: [],
  interfaces: [],
  sample: 1,
  traffic: 'a port that no service has',
  usage: [],
  purposes: [],
  symptoms: [],
  source: 'portmatrix',
  note: 'If this port connects, something accepts every handshake, and ports of which only the handshake was looked at are inconclusive.',
};

/** A matrix of its own, which every plan adds where it is needed: its checks stand in plan and report as all others do. */
export const control: Matrix = {
  name: 'control',
  title: 'Control: a port that must not answer',
  from: ['source'],
  to: 'destination',
  source: rule.source,
  onRequest: true,
  rules: [rule],
  sha256: createHash('sha256').update(JSON.stringify(rule)).digest('hex'),
  asPublished: false,
};

/** True for a check that is the control of its pair. */
export function isControl({ matrix }: Pick<Check, 'matrix'>): boolean {
  return matrix === control.name;
}

/** True where the verdict on a rule may rest on a handshake alone. */
export function needsControl({ probe, ports, expect }: Rule): boolean {
  return ports.some(({ transport }) => transport === 'tcp') && (!traitsOf(probe).identifies || !expect.includes('open'));
}

/** Outcomes as agents may tell them, for properties that must hold for all. */
import * as fc from 'fast-check';
import type { Facts } from '../../agent/contract/fact.ts';
import { failureCodes, type Outcome, reasons, serviceStatuses, states } from '../../agent/contract/outcome.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    'dc1.corp.example.test',
    'DC1.CORP.EXAMPLE.TEST',
    'CORP',
    'DC1$',
    '"port":389',
    '\u0001\u000e',
    ']]>',
    '127.0.0.1',
    'observed',
    'facts',
  ),
);
const port = fc.integer({ min: 1, max: 65_535 });
const plain = { noNullPrototype: true };
const endpoint = fc.record({ address: fc.constantFrom('127.0.0.1', '::1', '192.0.2.1'), port }, plain);
const at = fc.date({ min: new Date(0), max: new Date(8e12), noInvalidDate: true }).map((date) => date.toISOString());

const facts: fc.Arbitrary<Facts> = fc.record(
  {
    dnsName: text,
    domain: text,
    complaint: text,
    netbiosName: text,
    clockOffsetMs: fc.integer(),
    clockUncertaintyMs: fc.nat(),
    authoritative: fc.boolean(),
    srvTargets: fc.array(text, { maxLength: 3 }),
    rpcPorts: fc.dictionary(fc.constantFrom('drsuapi', 'samr', 'port'), port, { noNullPrototype: true }),
    functionalLevel: fc.nat(10),
    answerBytes: fc.nat(65_536),
    fragmentationNeeded: fc.nat(3),
  },
  { requiredKeys: [], noNullPrototype: true },
);

export const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('observed'),
      state: fc.constantFrom(...states),
      reason: fc.constantFrom(...reasons),
      port,
      service: fc.record({ status: fc.constantFrom(...serviceStatuses), facts }, plain),
      local: endpoint,
      target: endpoint,
      at,
    },
    { requiredKeys: ['kind', 'state', 'reason', 'target', 'at'], noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant('failed'), code: fc.constantFrom(...failureCodes), message: text, because: text },
    { requiredKeys: ['kind', 'code', 'message'], noNullPrototype: true },
  ),
);

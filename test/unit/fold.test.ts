import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { type Answered, describeAnswer, fold, withFacts } from '../../agent/fold.ts';
import { outcomes } from '../support/outcomes.ts';

const seen = { kind: 'observed', target: { address: '192.0.2.1', port: 443 }, at: '2026-11-22T08:00:00.000Z' } as const;
const good: Facts = { certificateChain: 'trusted', certificateNames: ['ssm.example.com'], certificateNotAfter: '2027-06-01T00:00:00.000Z' };

const answers = {
  open: { ...seen, state: 'open', reason: 'syn-ack' },
  sound: { ...seen, state: 'open', reason: 'syn-ack', service: { status: 'identified', facts: good } },
  untrusted: {
    ...seen,
    state: 'open',
    reason: 'syn-ack',
    service: { status: 'identified', facts: { ...good, certificateChain: 'CERT_HAS_EXPIRED' } },
  },
  foreign: {
    ...seen,
    state: 'open',
    reason: 'syn-ack',
    service: { status: 'identified', facts: { ...good, certificateNames: ['portal.example.net'] } },
  },
  wildcard: { ...seen, state: 'open', reason: 'syn-ack', service: { status: 'identified', facts: { ...good, certificateNames: ['*.example.com'] } } },
  older: {
    ...seen,
    state: 'open',
    reason: 'syn-ack',
    service: { status: 'identified', facts: { ...good, certificateNotAfter: '2026-12-01T00:00:00.000Z' } },
  },
  silent: { ...seen, state: 'open', reason: 'syn-ack', service: { status: 'silent', facts: {} } },
  malformed: { ...seen, state: 'open', reason: 'syn-ack', service: { status: 'malformed', facts: {} } },
  closed: { ...seen, state: 'closed', reason: 'conn-refused' },
  filtered: { ...seen, state: 'filtered', reason: 'no-response' },
  unsupported: { kind: 'failed', code: 'unsupported', message: 'no route' },
  denied: { kind: 'failed', code: 'source-denied', message: 'forbidden' },
} as const satisfies Readonly<Record<string, Outcome>>;
type Name = keyof typeof answers;

const of = (...names: readonly Name[]): readonly Answered[] => names.map((address) => ({ address, outcome: answers[address] }));

type Case = readonly [what: string, addresses: readonly Name[], worst: Name];

const cases: readonly Case[] = [
  ['one address stands for itself', ['closed'], 'closed'],
  ['a dropped address outweighs an open one', ['sound', 'filtered'], 'filtered'],
  ['a dropped address outweighs a refused one', ['closed', 'filtered', 'silent'], 'filtered'],
  ['a refused address outweighs nonsense', ['malformed', 'closed', 'silent'], 'closed'],
  ['nonsense outweighs silence', ['silent', 'malformed', 'sound'], 'malformed'],
  ['silence outweighs an answer', ['sound', 'silent'], 'silent'],
  ['trouble of our own outweighs an answer, and no trouble that was seen', ['sound', 'denied'], 'denied'],
  ['trouble that was seen outweighs our own', ['denied', 'closed'], 'closed'],
  ['a family without a route does not count beside an address that works', ['unsupported', 'sound'], 'sound'],
  ['a family without a route does not count beside one that does not work', ['unsupported', 'filtered'], 'filtered'],
  ['a family without a route counts where there is nothing else', ['unsupported', 'unsupported'], 'unsupported'],
  ['a chain that is not trusted is the worst of certificates', ['sound', 'foreign', 'untrusted', 'older'], 'untrusted'],
  ['a certificate for another name comes next', ['sound', 'older', 'foreign'], 'foreign'],
  ['a wildcard is for the name', ['wildcard', 'foreign'], 'foreign'],
  ['of two good certificates the one that ends first stands', ['sound', 'older'], 'older'],
];

describe('addresses of a name, folded to the worst', () => {
  for (const [what, addresses, worst] of cases) {
    test(what, () => {
      assert.equal(fold(of(...addresses), 'ssm.example.com').address, worst);
      assert.equal(fold(of(...addresses.toReversed()), 'ssm.example.com').address, worst);
    });
  }

  test('it is always one of them, and never better than another', () => {
    fc.assert(
      fc.property(fc.array(outcomes, { minLength: 1, maxLength: 16 }), (many) => {
        const all = many.map((outcome, index) => ({ address: `${index}`, outcome }));
        const { outcome } = fold(all, 'ssm.example.com');
        assert.ok(many.includes(outcome));
        const isWell = (one: Outcome): boolean =>
          one.kind === 'observed' && one.state === 'open' && (one.service === undefined || one.service.status === 'identified');
        const isOut = (one: Outcome): boolean => one.kind === 'failed' && one.code === 'unsupported';
        if (isWell(outcome)) assert.ok(many.every((one) => isWell(one) || isOut(one)));
      }),
    );
  });
});

test('an address is described by its state, and by what its service did if that is not an answer', () => {
  assert.deepEqual(of('open', 'sound', 'silent', 'closed', 'filtered', 'unsupported').map(describeAnswer), [
    'open open',
    'sound open',
    'silent open silent',
    'closed closed conn-refused',
    'filtered filtered no-response',
    'unsupported unsupported',
  ]);
});

test('more facts stand beside those that are there, and beside silence where no port opened', () => {
  const more = { addresses: ['a open'] };
  assert.deepEqual(withFacts(answers.sound, more), { ...answers.sound, service: { status: 'identified', facts: { ...good, ...more } } });
  assert.deepEqual(withFacts(answers.open, more), { ...answers.open, service: { status: 'identified', facts: more } });
  assert.deepEqual(withFacts(answers.closed, more), { ...answers.closed, service: { status: 'silent', facts: more } });
  assert.equal(withFacts(answers.denied, more), answers.denied);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check } from '../../agent/contract/check.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome, State } from '../../agent/contract/outcome.ts';
import type { ProbeName } from '../../agent/contract/probe.ts';
import { control } from '../../src/control.ts';
import { viewsOf } from '../../src/vantage.ts';
import { witnessesOf } from '../../src/witness.ts';

interface Seen {
  readonly check: Check;
  readonly outcome: Outcome;
}

const name = 'www.example.com';

/** What `source` saw of a name; `addresses` as its agent lists them. */
function seen(source: string, state: State, addresses: readonly string[], fields: Partial<Check> = {}, facts: Facts = {}): Seen {
  const check: Check = {
    id: `m/r/${source}`,
    matrix: 'm',
    rule: 'r',
    source,
    destination: name,
    address: name,
    transport: 'tcp',
    port: 443,
    probe: 'https',
    ...fields,
  };
  const status = state === 'open' ? 'identified' : 'silent';
  return {
    check,
    outcome: {
      kind: 'observed',
      state,
      reason: state === 'open' ? 'syn-ack' : 'no-response',
      service: { status, facts: { ...facts, addresses } },
      target: { address: '192.0.2.1', port: 443 },
      at: '2026-11-22T08:00:00.000Z',
    },
  };
}

const ldap = { probe: 'ldap', port: 389, destination: 'dc2', address: '10.0.1.12' } as const;
const heard = (source: string): Seen => seen(source, 'open', [], ldap);
const bare: { readonly probe: ProbeName; readonly port: number } = { probe: 'tcp', port: 80 };
const shut = seen('dc1', 'filtered', ['192.0.2.1 filtered no-response']);
const through = seen('bastion', 'open', ['192.0.2.1 open']);
const shutBare = seen('dc1', 'filtered', ['192.0.2.1 filtered no-response'], bare);
const throughBare = seen('bastion', 'open', ['192.0.2.1 open'], bare);
const accepting = seen('bastion', 'open', ['192.0.2.1 open'], { matrix: control.name, rule: 'unassigned-port', probe: 'tcp', port: 40 });

/** Whether what was seen beside it proves `blocked` a block. */
function isProven(blocked: Seen, ...others: readonly Seen[]): boolean {
  const all = [blocked, ...others];
  return witnessesOf(all, viewsOf(all))(blocked);
}

describe('a block of a name', () => {
  const cases: readonly (readonly [name: string, proven: boolean, blocked: Seen, others: readonly Seen[]])[] = [
    ['is proven where another source got through to the same address and this one was heard elsewhere', true, shut, [through, heard('dc1')]],
    ['is not proven where nobody else asked', false, shut, [heard('dc1')]],
    ['is not proven where this source was heard nowhere: it may be cut off', false, shut, [through, heard('bastion')]],
    [
      'is not proven where a bare handshake is all that this source got elsewhere',
      false,
      shut,
      [through, seen('dc1', 'open', [], { ...ldap, probe: 'tcp' })],
    ],
    [
      'is not proven where the name leads this source elsewhere',
      false,
      seen('dc1', 'closed', ['127.0.0.1 closed conn-refused']),
      [through, heard('dc1')],
    ],
    [
      'is not proven where only one of its addresses was let through to others',
      false,
      seen('dc1', 'filtered', ['192.0.2.1 filtered no-response', '192.0.2.2 filtered no-response']),
      [through, heard('dc1')],
    ],
    [
      'is proven beside an address of a family that this source does not have',
      true,
      seen('dc1', 'filtered', ['192.0.2.1 filtered no-response', '2001:db8::1 unsupported']),
      [through, heard('dc1')],
    ],
    [
      'is not proven where the name has more addresses than were tried',
      false,
      seen('dc1', 'filtered', ['192.0.2.1 filtered no-response'], {}, { addressTotal: 9 }),
      [through, heard('dc1')],
    ],
    ['is not proven by another port', false, shut, [throughBare, heard('dc1')]],
    ['is not proven by others that were hung up on', false, shut, [seen('bastion', 'open', ['192.0.2.1 open disconnected']), heard('dc1')]],
    ['of a bare port is proven by a handshake', true, shutBare, [throughBare, heard('dc1')]],
    ['of a bare port is not proven where something completes every handshake', false, shutBare, [throughBare, accepting, heard('dc1')]],
    ['in the protocol is proven even there', true, shut, [through, accepting, heard('dc1')]],
    ['is not proven where its addresses are not told', false, seen('dc1', 'filtered', []), [through, heard('dc1')]],
  ];
  for (const [what, proven, blocked, others] of cases) it(what, () => assert.equal(isProven(blocked, ...others), proven));
});

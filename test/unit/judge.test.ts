import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Facts } from '../../agent/contract/fact.ts';
import {
  failureCodes,
  type Observed,
  type Outcome,
  type Reason,
  reasons,
  type ServiceStatus,
  serviceStatuses,
  states,
} from '../../agent/contract/outcome.ts';
import { type ProbeName, probes, traitsOf } from '../../agent/contract/probe.ts';
import type { Assessed } from '../../src/assess/answer.ts';
import { judge, type Question } from '../../src/judge.ts';
import { proxyTrouble } from '../../src/proxy-trouble.ts';
import type { Expectation, Verdict } from '../../src/verdict.ts';

const seenAt = { target: { address: '10.99.1.11', port: 389 }, at: '2026-11-22T08:00:00.000Z' } as const;
const observed = (state: Observed['state'], reason: Reason): Observed => ({ kind: 'observed', state, reason, ...seenAt });
const serving = (status: ServiceStatus, facts: Facts = {}): Observed => ({ ...observed('open', 'syn-ack'), service: { status, facts } });

const open = observed('open', 'syn-ack');
const closed = observed('closed', 'conn-refused');
const dropped = observed('filtered', 'no-response');
const prohibited = observed('filtered', 'admin-prohibited');
const noHost = observed('filtered', 'host-unreach');
const noNet = observed('filtered', 'net-unreach');
const silent = observed('open|filtered', 'no-response');
const failed = (code: (typeof failureCodes)[number], because?: string): Outcome => ({
  kind: 'failed',
  code,
  message: 'what happened',
  ...(because !== undefined && { because }),
});

const skew: Assessed = { severity: 'fail', finding: { code: 'clock-skew', offsetMs: 400_000, limitMs: 300_000 } };
const other: Assessed = { severity: 'fail', finding: { code: 'wrong-host', what: 'name', expected: 'dc1', actual: 'dc2' } };
const late: Assessed = { severity: 'warn', finding: { code: 'paused' } };

/** An LDAP check over TCP of a Samba DC that must be open, with a control and nothing else. */
const base: Question = {
  expect: ['open'],
  requirement: 'required',
  probe: 'ldap',
  transport: 'tcp',
  platform: 'samba',
  assessed: [],
  control: true,
};
const dns = { probe: 'dns', transport: 'udp' } as const;
const bareUdp = { probe: 'udp', transport: 'udp' } as const;
const bareTcp = { probe: 'tcp', transport: 'tcp' } as const;
const kpasswd = { probe: 'kpasswd', transport: 'udp' } as const;
const mailslot = { probe: 'netbios-datagram', transport: 'udp' } as const;
const rdp = { probe: 'rdp', platform: 'windows' } as const;
const shut: Expectation = ['filtered'];
const shutOrRefused: Expectation = ['closed', 'filtered'];
const blocked: Expectation = ['blocked'];

const passed: Verdict = { status: 'pass' };
const forbiddenOpen: Verdict = { status: 'fail', finding: { code: 'forbidden-open' } };
const uninformative: Verdict = { status: 'inconclusive', finding: { code: 'uninformative' } };
const unanswered: Verdict = { status: 'fail', finding: { code: 'no-answer', reason: 'no-response' } };
const refused: Verdict = { status: 'fail', finding: { code: 'refused', reason: 'conn-refused' }, notes: ['firewall-may-refuse'] };
const reachedHost: Verdict = { status: 'warn', finding: { code: 'reached-host' }, notes: ['firewall-may-refuse'] };
const replyLost: Verdict = { status: 'fail', finding: { code: 'reply-lost' } };
const acceptAll: Verdict = { status: 'inconclusive', finding: { code: 'accept-all' } };
const asControl = { ...bareTcp, expect: shutOrRefused, requirement: 'optional', isControl: true } as const;
const noWitness: Verdict = { status: 'inconclusive', finding: { code: 'no-control', byName: true } };
const besides = ({ state }: Observed): Pick<Verdict, 'notes'> => (state === 'closed' ? { notes: ['firewall-may-refuse'] } : {});
const noControl: Verdict = { status: 'inconclusive', finding: { code: 'no-control' } };
const unproven = (status: ServiceStatus): Verdict => ({ status: 'inconclusive', finding: { code: 'unproven', status } });
const broken = (status: ServiceStatus): Verdict => ({ status: 'fail', finding: { code: 'service-silent', status } });
const rejected = (reason: Reason, status: Verdict['status'] = 'fail'): Verdict => ({ status, finding: { code: 'rejected', reason } });

const large = (bytes: number): Partial<Question> => ({ size: { of: 'request', bytes } });
const sizeLost = (of: 'request' | 'reply', bytes: number): Verdict => ({ status: 'fail', finding: { code: 'size-lost', of, bytes } });
const unprovenSize = (bytes: number): Verdict => ({ status: 'inconclusive', finding: { code: 'size-lost', of: 'request', bytes, unproven: true } });

type Case = readonly [name: string, question: Partial<Question>, verdict: Verdict];

/** An endpoint by name, on no known platform. */
const https = { probe: 'https', platform: undefined } as const;
const unopened = (state: Observed['state'], reason: Reason, facts: Facts): Observed => ({
  ...observed(state, reason),
  service: { status: 'silent', facts },
});
const proxy = 'proxy.corp.example.com:3128';
const refusal = (status: number, facts: Facts = {}): Observed => serving('absent', { proxy, proxyStatus: status, ...facts });
const unknownName = unopened('filtered', 'name-unresolved', { resolution: 'no-such-name', complaint: 'no such name (ENOTFOUND)' });
const unsettledName = unopened('filtered', 'name-unresolved', { resolution: 'no-answer', complaint: 'no answer (EAI_AGAIN)' });
const barred = (status: number): Verdict => ({ status: 'inconclusive', finding: { code: 'proxy-refused', proxy, status } });

const table: Readonly<Record<string, readonly Case[]>> = {
  'a destination by name': [
    ['a name that does not exist fails', { ...https, outcome: unknownName }, { status: 'fail', finding: { code: 'name-unknown' } }],
    [
      'a resolver that gives no answer says nothing of the destination',
      { ...https, outcome: unsettledName },
      { status: 'inconclusive', finding: { code: 'name-unsettled', why: 'no answer (EAI_AGAIN)' } },
    ],
    [
      'forbidden, a name that does not exist proves no block',
      { ...https, expect: blocked, outcome: unknownName },
      { status: 'inconclusive', finding: { code: 'name-unknown' } },
    ],
    [
      'forbidden, one address that is open is enough to fail',
      { ...bareTcp, expect: shut, outcome: unopened('filtered', 'no-response', { addresses: ['192.0.2.1 filtered no-response', '192.0.2.2 open'] }) },
      forbiddenOpen,
    ],
    [
      'where a block would do, an address that answers fails beside one that hangs up',
      { ...https, expect: blocked, outcome: serving('disconnected', { addresses: ['192.0.2.1 open disconnected', '192.0.2.2 open'] }) },
      forbiddenOpen,
    ],
    [
      'where a block would do, it passes when every address is shut in one way or another',
      {
        ...https,
        expect: blocked,
        outcome: unopened('filtered', 'no-response', { addresses: ['192.0.2.1 open tls-failed', '192.0.2.2 filtered no-response'] }),
      },
      passed,
    ],
    ...Object.entries({
      silence: dropped,
      'an ICMP error': prohibited,
      'a refusal': closed,
      'a connection that is hung up': serving('disconnected'),
      'a TLS handshake that breaks': serving('tls-failed'),
    }).flatMap(([what, outcome]): readonly Case[] => [
      [`forbidden, ${what} passes with a witness`, { ...https, expect: blocked, byName: true, outcome }, { ...passed, ...besides(outcome) }],
      [
        `forbidden, ${what} is inconclusive without`,
        { ...https, expect: blocked, byName: true, control: false, outcome },
        { ...noWitness, ...besides(outcome) },
      ],
    ]),
    ...(['host-unreach', 'net-unreach'] as const).map((reason): Case => [
      `forbidden, ${reason} is no block, witness or not`,
      { ...https, expect: blocked, byName: true, outcome: observed('filtered', reason) },
      rejected(reason, 'inconclusive'),
    ]),
    [
      'forbidden, a refusal where only silence would do warns as ever',
      { ...bareTcp, expect: shut, byName: true, control: false, outcome: closed },
      reachedHost,
    ],
    [
      'forbidden, an answer fails without a witness',
      { ...https, expect: blocked, byName: true, control: false, outcome: serving('identified') },
      forbiddenOpen,
    ],
    [
      'forbidden, an address that the source may not dial leaves the block of the others unproven',
      {
        ...https,
        expect: blocked,
        byName: true,
        outcome: unopened('filtered', 'no-response', { addresses: ['192.0.2.1 filtered no-response', '192.0.2.2 source-denied'] }),
      },
      noWitness,
    ],
    [
      'forbidden, an address of a family without a route does not',
      {
        ...https,
        expect: blocked,
        byName: true,
        outcome: unopened('filtered', 'no-response', { addresses: ['192.0.2.1 filtered no-response', '2001:db8::1 unsupported'] }),
      },
      passed,
    ],
    ['forbidden, the 403 of a proxy needs no witness', { ...https, expect: blocked, byName: true, control: false, outcome: refusal(403) }, passed],
    ['wanted, it needs none', { ...https, byName: true, control: false, outcome: serving('identified') }, passed],
    [
      'forbidden, open or filtered is not open',
      { ...bareUdp, expect: shut, outcome: unopened('open|filtered', 'no-response', { addresses: ['192.0.2.1 open|filtered no-response'] }) },
      uninformative,
    ],
    [
      'a bare port of a name is still only a handshake',
      { ...bareTcp, outcome: serving('identified', { addresses: ['192.0.2.1 open'] }) },
      { ...passed, notes: ['handshake-only'] },
    ],
    [
      'a certificate that clients refuse fails, whatever comes after it',
      { ...https, outcome: serving('disconnected', { tlsProtocol: 'TLSv1.3' }), assessed: [late, skew] },
      { status: 'fail', finding: skew.finding, also: [late.finding] },
    ],
    [
      'a certificate that is only worth a look does not decide over the silence after it',
      { ...https, outcome: serving('silent', { tlsProtocol: 'TLSv1.3' }), assessed: [late] },
      unproven('silent'),
    ],
    ['an endpoint that was never seen silent is not broken for it', { ...https, outcome: serving('disconnected') }, unproven('disconnected')],
  ],
  'an endpoint behind a proxy': [
    ['passes when the proxy opens the way', { ...https, outcome: serving('identified', { proxy, proxyStatus: 200, httpStatus: 404 }) }, passed],
    [
      'is not blamed for a proxy that refuses the connection',
      { ...https, outcome: unopened('closed', 'conn-refused', { proxy }) },
      { status: 'fail', finding: { code: 'proxy-unreachable', proxy, reason: 'conn-refused' } },
    ],
    [
      'is not blamed for a proxy that is dropped',
      { ...https, outcome: unopened('filtered', 'no-response', { proxy }) },
      { status: 'fail', finding: { code: 'proxy-unreachable', proxy, reason: 'no-response' } },
    ],
    [
      'is not blamed for the name of the proxy',
      { ...https, outcome: unopened('filtered', 'name-unresolved', { proxy, resolution: 'no-such-name' }) },
      { status: 'fail', finding: { code: 'name-unknown', proxy } },
    ],
    [
      'is undecided while the proxy is silent',
      { ...https, outcome: serving('silent', { proxy }) },
      { status: 'inconclusive', finding: { code: 'proxy-silent', proxy, status: 'silent' } },
    ],
    [
      'is undecided when the proxy hangs up',
      { ...https, outcome: serving('disconnected', { proxy }) },
      { status: 'inconclusive', finding: { code: 'proxy-silent', proxy, status: 'disconnected' } },
    ],
    [
      'fails where the proxy is none',
      { ...https, outcome: serving('malformed', { proxy }) },
      { status: 'fail', finding: { code: 'proxy-silent', proxy, status: 'malformed' } },
    ],
    ...[403, 407, 502, 504].map((status): Case => [
      `fails when the proxy answers ${status}`,
      { ...https, outcome: refusal(status) },
      { status: 'fail', finding: { code: 'proxy-refused', proxy, status } },
    ]),
    [
      'is undecided when the proxy wants a login that was kept back',
      { ...https, outcome: refusal(407, { proxyCredentialsWithheld: true }) },
      { status: 'inconclusive', finding: { code: 'proxy-refused', proxy, status: 407, withheld: true } },
    ],
    ['is blocked when the proxy forbids it and a block is wanted', { ...https, expect: blocked, outcome: refusal(403) }, passed],
    ['is not blocked for sure by any other answer', { ...https, expect: blocked, outcome: refusal(502) }, barred(502)],
    ['is not filtered because a proxy forbids it', { ...https, expect: shut, outcome: refusal(403) }, barred(403)],
    ['behind the proxy, its own silence is its own', { ...https, outcome: serving('silent', { proxy, proxyStatus: 200 }) }, unproven('silent')],
  ],
  'open and identified, or only the port asked': [
    ['an identified service passes', { outcome: serving('identified') }, passed],
    ['an identified service passes on a platform that nobody has seen', { outcome: serving('identified'), platform: 'windows' }, passed],
    ['a port that is all we asked for passes', { ...bareTcp, outcome: open }, { ...passed, notes: ['handshake-only'] }],
    ['an answered datagram passes', { ...bareUdp, outcome: observed('open', 'udp-response') }, { ...passed, notes: ['handshake-only'] }],
    ['a finding that warns makes it a warning', { outcome: serving('identified'), assessed: [late] }, { status: 'warn', finding: late.finding }],
    ['a finding that fails makes it a fail', { outcome: serving('identified'), assessed: [skew] }, { status: 'fail', finding: skew.finding }],
    [
      'the worst finding decides and the others stand beside it, worst first',
      { outcome: serving('identified'), assessed: [late, skew, other] },
      { status: 'fail', finding: skew.finding, also: [other.finding, late.finding] },
    ],
    ['a protocol that was to be spoken and was not proves nothing', { outcome: open }, unproven('silent')],
    ['forbidden, an identified service fails', { expect: shut, outcome: serving('identified'), assessed: [late] }, forbiddenOpen],
    ['forbidden, an open port fails', { ...bareTcp, expect: shut, outcome: open }, { ...forbiddenOpen, notes: ['handshake-only'] }],
    ['forbidden, an identified service fails where a block would do', { expect: blocked, outcome: serving('identified') }, forbiddenOpen],
    [
      'an answer whose identity is unknown says so',
      { outcome: serving('identified'), identityUnknown: true },
      { ...passed, notes: ['identity-not-compared'] },
    ],
  ],
  'open and the token answered by the responder': [
    ['the path passes, whatever protocol lives there', { ...dns, outcome: observed('open', 'udp-response'), responderAnswered: true }, passed],
    ['the path passes for a bare port', { ...bareTcp, outcome: open, receipt: 'received', responderAnswered: true }, passed],
    [
      'a port that opens while the responder misses the token is somebody else’s',
      { ...bareTcp, outcome: open, receipt: 'missing' },
      unproven('silent'),
    ],
    ['forbidden, it fails', { ...bareTcp, expect: shutOrRefused, outcome: open, responderAnswered: true }, forbiddenOpen],
  ],
  'answered when small, and asked for more': [
    ['a large question that is answered passes', { ...large(4_000), outcome: serving('identified') }, passed],
    ['a large question that stalls over TCP is lost', { ...large(4_000), outcome: serving('silent') }, sizeLost('request', 4_000)],
    ['a long answer that stalls is lost', { size: { of: 'reply', bytes: 1_500 }, outcome: serving('silent') }, sizeLost('reply', 1_500)],
    ['a large datagram without an answer is lost', { ...dns, ...large(1_452), outcome: silent }, sizeLost('request', 1_452)],
    ...([undefined, 'windows'] as const).flatMap((platform): readonly Case[] => [
      [
        `over TCP it proves nothing against ${platform ?? 'a platform that nobody named'}`,
        { ...large(4_000), platform, outcome: serving('silent') },
        unprovenSize(4_000),
      ],
      [`nor does it over UDP (${platform ?? 'unnamed'})`, { ...dns, ...large(1_452), platform, outcome: silent }, unprovenSize(1_452)],
    ]),
    [
      'optional, it warns',
      { ...large(4_000), requirement: 'optional', outcome: serving('silent') },
      { ...sizeLost('request', 4_000), status: 'warn' },
    ],
    ['a connection that is ended is not lost by its size', { ...large(4_000), outcome: serving('disconnected') }, broken('disconnected')],
    ['a SYN without an answer is not lost by the size of what would follow', { ...large(4_000), outcome: dropped }, unanswered],
    ['a refusal is one', { ...large(4_000), outcome: closed }, refused],
    [
      'what the path called too big and then carried was no retry',
      { ...dns, ...large(1_452), attempts: 2, outcome: serving('identified', { fragmentationNeeded: 1 }) },
      passed,
    ],
    [
      'but a third attempt was',
      { ...dns, ...large(1_452), attempts: 3, outcome: serving('identified', { fragmentationNeeded: 1 }) },
      { ...passed, notes: ['retried'] },
    ],
  ],
  'open, and the service malformed or absent': [
    [
      'another protocol fails',
      { outcome: serving('malformed', { looksLike: 'http' }) },
      { status: 'fail', finding: { code: 'wrong-service', looksLike: 'http' } },
    ],
    ['gibberish fails', { outcome: serving('malformed') }, { status: 'fail', finding: { code: 'wrong-service' } }],
    [
      'an interface that is not there fails',
      { probe: 'rpc', interface: 'drsuapi', outcome: serving('absent') },
      { status: 'fail', finding: { code: 'service-absent', interface: 'drsuapi' } },
    ],
    [
      'an absent interface may be named by the facts',
      { probe: 'rpc', outcome: serving('absent', { rpcInterface: 'samr' }) },
      { status: 'fail', finding: { code: 'service-absent', interface: 'samr' } },
    ],
    ['forbidden, another protocol fails', { expect: shut, outcome: serving('malformed') }, forbiddenOpen],
    ['forbidden, another protocol fails where a block would do', { expect: blocked, outcome: serving('malformed') }, forbiddenOpen],
    [
      'forbidden, a port that was dialled and lacks the interface fails',
      { probe: 'rpc', interface: 'netlogon', expect: shut, outcome: serving('absent'), attempts: 1 },
      forbiddenOpen,
    ],
    ...[shut, shutOrRefused, blocked].map((expect): Case => [
      `forbidden as ${expect.join(' or ')}, an interface without a port was never dialled`,
      { probe: 'rpc', interface: 'netlogon', expect, outcome: serving('absent', { rpcInterface: 'netlogon' }), attempts: 0 },
      { status: 'warn', finding: { code: 'reached-host', interface: 'netlogon' } },
    ]),
    [
      'wanted, an interface without a port is not there',
      { probe: 'rpc', interface: 'netlogon', outcome: serving('absent', { rpcInterface: 'netlogon' }), attempts: 0 },
      { status: 'fail', finding: { code: 'service-absent', interface: 'netlogon' } },
    ],
  ],
  'open, and the service silent, disconnected or tls-failed': [
    [
      'a remote desktop that hangs up is not broken, as none was seen on Windows',
      { ...rdp, outcome: serving('disconnected') },
      unproven('disconnected'),
    ],
    ...(['silent', 'disconnected', 'tls-failed'] as const).flatMap((status): readonly Case[] => [
      [`${status} fails where a healthy service answers`, { outcome: serving(status) }, broken(status)],
      [`${status} is unproven on a platform that nobody has seen`, { outcome: serving(status), platform: 'windows' }, unproven(status)],
      [`${status} is unproven on an unknown platform`, { outcome: serving(status), platform: undefined }, unproven(status)],
      [`${status} is unproven where silence is uninformative`, { probe: 'kpasswd', outcome: serving(status) }, unproven(status)],
      [`forbidden, ${status} fails`, { expect: shut, outcome: serving(status) }, forbiddenOpen],
    ]),
    ['a block accepts a connection that is hung up on', { expect: blocked, outcome: serving('disconnected') }, passed],
    ['a block accepts a TLS handshake that is refused', { expect: blocked, probe: 'ldaps', outcome: serving('tls-failed') }, passed],
    ['a block does not accept a silent service', { expect: blocked, outcome: serving('silent') }, forbiddenOpen],
    [
      'a service that hangs up on everybody is not a block',
      { expect: blocked, probe: 'kpasswd', outcome: serving('disconnected') },
      unproven('disconnected'),
    ],
    ['a hang-up passes as a block on an unseen platform too', { expect: blocked, platform: 'windows', outcome: serving('disconnected') }, passed],
  ],
  closed: [
    ['refused TCP fails', { outcome: closed }, refused],
    [
      'refused UDP fails',
      { ...dns, outcome: observed('closed', 'port-unreach') },
      { ...refused, finding: { code: 'refused', reason: 'port-unreach' } },
    ],
    ['refused UDP fails for a bare port too', { ...bareUdp, outcome: closed }, refused],
    ['forbidden and listed, it passes', { expect: shutOrRefused, outcome: closed, control: false }, { ...passed, notes: ['firewall-may-refuse'] }],
    ['forbidden as a block, it passes', { expect: blocked, outcome: closed }, { ...passed, notes: ['firewall-may-refuse'] }],
    ['forbidden and not listed, the path is open', { expect: shut, outcome: closed }, reachedHost],
    ['wanted open or closed, it passes', { expect: ['open', 'closed'], outcome: closed }, { ...passed, notes: ['firewall-may-refuse'] }],
    ['wanted open or filtered, it fails', { expect: ['open', 'filtered'], outcome: closed }, refused],
  ],
  filtered: [
    ['a dropped SYN fails', { outcome: dropped }, unanswered],
    ['a dropped SYN fails on an unseen platform too', { outcome: dropped, platform: 'windows' }, unanswered],
    ...(['host-unreach', 'net-unreach', 'proto-unreach', 'admin-prohibited'] as const).map((reason): Case => [
      `${reason} fails as rejected`,
      { outcome: observed('filtered', reason) },
      rejected(reason),
    ]),
    ['forbidden, it passes with a control', { expect: shut, outcome: dropped }, passed],
    ['forbidden, it passes as a block with a control', { expect: blocked, outcome: dropped }, passed],
    ['forbidden, a prohibition passes with a control', { expect: shut, outcome: prohibited }, passed],
    ['forbidden, it is inconclusive without a control', { expect: shut, outcome: dropped, control: false }, noControl],
    [
      'forbidden, a token that a live responder missed proves the block',
      { expect: shut, outcome: dropped, control: false, receipt: 'missing' },
      passed,
    ],
    ['forbidden, host-unreach never passes', { expect: shut, outcome: noHost }, rejected('host-unreach', 'inconclusive')],
    ['forbidden, net-unreach never passes', { expect: blocked, outcome: noNet, receipt: 'missing' }, rejected('net-unreach', 'inconclusive')],
    [
      'forbidden, a name that does not resolve never passes',
      { expect: shut, outcome: observed('filtered', 'name-unresolved') },
      { status: 'inconclusive', finding: { code: 'no-answer', reason: 'name-unresolved' } },
    ],
    ['where only a refusal is expected, it is forbidden traffic that is blocked', { expect: ['closed'], outcome: dropped }, passed],
    ['wanted open or filtered, it passes with a control', { expect: ['open', 'filtered'], outcome: dropped }, passed],
    ['wanted open or filtered, it is inconclusive without', { expect: ['open', 'filtered'], outcome: dropped, control: false }, noControl],
  ],
  'open|filtered, and a protocol was spoken': [
    ['silence fails', { ...dns, outcome: silent }, unanswered],
    ['silence fails on an unseen platform too', { ...dns, outcome: silent, platform: 'windows' }, unanswered],
    ['silence under any name fails', { ...dns, outcome: dropped }, unanswered],
    ['silence is inconclusive where it is uninformative', { ...kpasswd, outcome: silent }, uninformative],
    ['so it is of a UDP transport that is often switched off', { ...rdp, transport: 'udp', outcome: silent }, uninformative],
    ['a token that a live responder missed fails even there', { ...kpasswd, outcome: silent, receipt: 'missing' }, unanswered],
    ['forbidden, it is inconclusive, control or not', { ...dns, expect: shut, outcome: silent }, uninformative],
    ['forbidden, silence under any name is inconclusive', { ...dns, expect: shut, outcome: dropped }, uninformative],
    ['forbidden, it is inconclusive as a block', { ...dns, expect: blocked, outcome: silent }, uninformative],
    ['forbidden, it is inconclusive even where it is listed', { ...dns, expect: ['open|filtered'], outcome: silent }, uninformative],
    ['forbidden, a token that a live responder missed passes', { ...dns, expect: shut, outcome: silent, receipt: 'missing', control: false }, passed],
    ['where only a refusal is expected, it is inconclusive', { ...dns, expect: ['closed'], outcome: silent }, uninformative],
    ['where only a refusal is expected, a missed token passes', { ...dns, expect: ['closed'], outcome: silent, receipt: 'missing' }, passed],
    ['wanted open or silent, it is inconclusive', { ...dns, expect: ['open', 'open|filtered'], outcome: silent }, uninformative],
  ],
  'open|filtered, and a bare datagram': [
    ['silence is inconclusive', { ...bareUdp, outcome: silent }, uninformative],
    ['a token that a live responder missed fails', { ...bareUdp, outcome: silent, receipt: 'missing' }, unanswered],
    ['forbidden, it is inconclusive', { ...bareUdp, expect: shut, outcome: silent }, uninformative],
    ['forbidden, a token that a live responder missed passes', { ...bareUdp, expect: shut, outcome: silent, receipt: 'missing' }, passed],
  ],
  'a receipt and no reply': [
    ['a silent datagram that arrived lost its reply', { ...dns, outcome: silent, receipt: 'received' }, replyLost],
    ['a bare datagram that arrived lost its reply', { ...bareUdp, outcome: silent, receipt: 'received' }, replyLost],
    [
      'a datagram that arrived and was refused lost its reply',
      { ...bareUdp, outcome: observed('closed', 'port-unreach'), receipt: 'received' },
      replyLost,
    ],
    ['forbidden, a silent datagram that arrived fails', { ...bareUdp, expect: shut, outcome: silent, receipt: 'received' }, forbiddenOpen],
    ['forbidden, a refused datagram that arrived fails', { ...bareUdp, expect: shutOrRefused, outcome: closed, receipt: 'received' }, forbiddenOpen],
    ['a mixed expectation wants the reply', { ...bareUdp, expect: ['open', 'filtered'], outcome: silent, receipt: 'received' }, replyLost],
  ],
  'a prerequisite that was not met': [
    [
      'it is skipped because of that check',
      { outcome: failed('prerequisite', 'm/epm/a->b:135/tcp') },
      { status: 'skip', finding: { code: 'prerequisite', because: 'm/epm/a->b:135/tcp' } },
    ],
    [
      'without an id the message stands in',
      { outcome: failed('prerequisite') },
      { status: 'skip', finding: { code: 'prerequisite', because: 'what happened' } },
    ],
    [
      'forbidden, it is skipped too',
      { expect: shut, outcome: failed('prerequisite', 'x') },
      { status: 'skip', finding: { code: 'prerequisite', because: 'x' } },
    ],
  ],
  'a source that is not equipped': [
    ['is skipped', { outcome: failed('not-equipped') }, { status: 'skip', finding: { code: 'not-equipped', message: 'what happened' } }],
    [
      'forbidden, it is skipped too',
      { expect: shut, outcome: failed('not-equipped') },
      { status: 'skip', finding: { code: 'not-equipped', message: 'what happened' } },
    ],
  ],
  'nothing seen': [
    ...failureCodes
      .filter((code) => code !== 'prerequisite' && code !== 'not-equipped')
      .flatMap((code): readonly Case[] => {
        const verdict: Verdict = { status: 'error', finding: { code: 'not-checked', because: code, message: 'what happened' } };
        return [
          [`${code} is an error`, { outcome: failed(code) }, verdict],
          [`forbidden, ${code} is an error`, { expect: shut, outcome: failed(code), receipt: 'missing' }, verdict],
          [`optional, ${code} is an error still`, { requirement: 'optional', outcome: failed(code) }, verdict],
        ];
      }),
    [
      'a source that never told is an error',
      {},
      { status: 'error', finding: { code: 'not-checked', because: 'output-lost', message: 'no result came back for this check' } },
    ],
    [
      'a rule whose feature is missing is skipped',
      { skip: { code: 'not-applicable', feature: 'ldaps' } },
      { status: 'skip', finding: { code: 'not-applicable', feature: 'ldaps' } },
    ],
    ['a source without a vantage is skipped', { skip: { code: 'no-vantage' } }, { status: 'skip', finding: { code: 'no-vantage' } }],
    ['what was seen counts more than a skip', { skip: { code: 'no-vantage' }, outcome: serving('identified') }, passed],
  ],
  'where every handshake is completed': [
    ['a port that is all we asked for is undecided', { ...bareTcp, acceptsAll: true, outcome: open }, { ...acceptAll, notes: ['handshake-only'] }],
    ['forbidden, it is undecided too', { ...bareTcp, expect: shut, acceptsAll: true, outcome: open }, { ...acceptAll, notes: ['handshake-only'] }],
    ...([shut, shutOrRefused, blocked] as const).flatMap((expect): readonly Case[] => [
      [`forbidden as ${expect.join()}, a silent service is undecided`, { expect, acceptsAll: true, outcome: serving('silent') }, acceptAll],
      [`forbidden as ${expect.join()}, an identified service fails`, { expect, acceptsAll: true, outcome: serving('identified') }, forbiddenOpen],
      [`forbidden as ${expect.join()}, another protocol fails`, { expect, acceptsAll: true, outcome: serving('malformed') }, forbiddenOpen],
    ]),
    ['a hang-up is still a block', { expect: blocked, acceptsAll: true, outcome: serving('disconnected') }, passed],
    ['a hang-up is undecided where a block would not do', { expect: shut, acceptsAll: true, outcome: serving('disconnected') }, acceptAll],
    ['an identified service passes', { acceptsAll: true, outcome: serving('identified') }, passed],
    ['a silent service fails', { acceptsAll: true, outcome: serving('silent') }, broken('silent')],
    [
      'an answer over UDP passes',
      { ...bareUdp, acceptsAll: true, outcome: observed('open', 'udp-response') },
      { ...passed, notes: ['handshake-only'] },
    ],
    ['the token of the responder passes', { ...bareTcp, acceptsAll: true, outcome: open, responderAnswered: true }, passed],
    ['a dropped SYN passes as forbidden with a control', { ...bareTcp, expect: shut, acceptsAll: true, outcome: dropped }, passed],
    [
      'optional, what is undecided warns',
      { ...bareTcp, requirement: 'optional', acceptsAll: true, outcome: open },
      { ...acceptAll, status: 'warn', notes: ['handshake-only'] },
    ],
  ],
  'the control itself': [
    ...[closed, dropped, prohibited, noHost, noNet].map((outcome): Case => [
      `passes when it is ${outcome.state} (${outcome.reason}) and the destination alive`,
      { ...asControl, outcome, control: true },
      passed,
    ]),
    [
      'is no pass for a destination that is switched off',
      { ...asControl, outcome: dropped, control: false },
      { status: 'warn', finding: { code: 'no-control' } },
    ],
    [
      'nor for one that nobody can reach',
      { ...asControl, outcome: noHost, control: false },
      { status: 'warn', finding: { code: 'rejected', reason: 'host-unreach' } },
    ],
    ['warns when it connects', { ...asControl, outcome: open, acceptsAll: true }, { ...acceptAll, status: 'warn', notes: ['handshake-only'] }],
    [
      'is an error when nobody could look',
      { ...asControl, outcome: failed('output-lost') },
      { status: 'error', finding: { code: 'not-checked', because: 'output-lost', message: 'what happened' } },
    ],
  ],
  requirement: [
    ['optional, a fail is a warning with its finding', { requirement: 'optional', outcome: dropped }, { ...unanswered, status: 'warn' }],
    ['optional, what is inconclusive is a warning', { ...bareUdp, requirement: 'optional', outcome: silent }, { ...uninformative, status: 'warn' }],
    ['legacy, a fail is a warning and says so', { requirement: 'legacy', outcome: dropped }, { ...unanswered, status: 'warn', notes: ['legacy'] }],
    ['legacy, a pass is a pass', { requirement: 'legacy', outcome: serving('identified') }, passed],
    [
      'optional, a finding of assess is a warning, and the others stay',
      { requirement: 'optional', outcome: serving('identified'), assessed: [late, skew] },
      { status: 'warn', finding: skew.finding, also: [late.finding] },
    ],
  ],
  notes: [
    ['a pass at the second attempt says so', { outcome: serving('identified'), attempts: 2 }, { ...passed, notes: ['retried'] }],
    ['a fail at the second attempt does not', { outcome: dropped, attempts: 2 }, unanswered],
    ['a second question is no second attempt', { outcome: serving('identified', { questions: 2 }), attempts: 2 }, passed],
    [
      'a second attempt and a second question are three',
      { outcome: serving('identified', { questions: 2 }), attempts: 3 },
      { ...passed, notes: ['retried'] },
    ],
    [
      'silence that may be a held-back rejection says so',
      { ...dns, outcome: { ...silent, service: { status: 'silent', facts: { rejectionsLimited: true } } } },
      { ...unanswered, notes: ['rejections-limited'] },
    ],
    [
      'a source that cannot see UDP refusals says so',
      { ...dns, outcome: silent, udpRefused: false },
      { ...unanswered, notes: ['source-cannot-see-udp-refusals'] },
    ],
    ['a source that can see them does not', { ...dns, outcome: silent, udpRefused: true }, unanswered],
    [
      'a QUIC endpoint is not yet the service behind it',
      { probe: 'quic', transport: 'udp', outcome: serving('identified') },
      { ...passed, notes: ['quic-only'] },
    ],
    [
      'silence for a question that could not come from the port of its service says so',
      { ...mailslot, outcome: { ...silent, local: { address: '10.99.3.21', port: 49_811 } } },
      { ...uninformative, notes: ['from-another-port'] },
    ],
    ['one that came from there does not', { ...mailslot, outcome: { ...silent, local: { address: '10.99.3.21', port: 138 } } }, uninformative],
    ['TCP needs no such excuse', { outcome: dropped, udpRefused: false }, unanswered],
    [
      'a refusal that a firewall may have sent says so, also when it fails',
      { outcome: closed, requirement: 'legacy' },
      { ...refused, status: 'warn', notes: ['firewall-may-refuse', 'legacy'] },
    ],
  ],
};

for (const [row, cases] of Object.entries(table)) {
  describe(`judge: ${row}`, () => {
    for (const [name, question, verdict] of cases) test(name, () => assert.deepEqual(judge({ ...base, ...question }), verdict));
  });
}

/**
 * DESIGN section 6, the column of forbidden traffic, whole: each kind of evidence under each expectation. Where a control decides, what it comes to without
 * one stands behind a bar. Nobody's receipt is there: this is what one side alone can say.
 */
const forbiddenTable: Readonly<
  Record<string, { readonly evidence: Partial<Question>; readonly verdicts: readonly [string, string, string, string] }>
> = {
  'TCP, only the port asked, and it connects': row({ ...bareTcp, outcome: open }, 'fail forbidden-open'),
  'TCP, identified': row({ outcome: serving('identified') }, 'fail forbidden-open'),
  'TCP, malformed': row({ outcome: serving('malformed') }, 'fail forbidden-open'),
  'TCP, silent after the handshake': row({ outcome: serving('silent') }, 'fail forbidden-open'),
  'TCP, the protocol was not spoken': row({ outcome: open }, 'fail forbidden-open'),
  'TCP, hung up': row({ outcome: serving('disconnected') }, 'fail forbidden-open', 'fail forbidden-open', 'fail forbidden-open', 'pass'),
  'TCP, TLS failed': row({ outcome: serving('tls-failed') }, 'fail forbidden-open', 'fail forbidden-open', 'fail forbidden-open', 'pass'),
  'TCP, no port is named for the interface': row({ probe: 'rpc', interface: 'samr', outcome: serving('absent'), attempts: 0 }, 'warn reached-host'),
  'TCP, refused': row({ outcome: closed }, 'warn reached-host', 'pass', 'pass', 'pass'),
  'TCP, reset': row({ outcome: observed('closed', 'reset') }, 'warn reached-host', 'pass', 'pass', 'pass'),
  'TCP, dropped': row({ outcome: dropped }, 'pass | inconclusive no-control'),
  'TCP, prohibited': row({ outcome: prohibited }, 'pass | inconclusive no-control'),
  'TCP, protocol unreachable': row({ outcome: observed('filtered', 'proto-unreach') }, 'pass | inconclusive no-control'),
  'TCP, host unreachable': row({ outcome: noHost }, 'inconclusive rejected'),
  'TCP, network unreachable': row({ outcome: noNet }, 'inconclusive rejected'),
  'TCP, the name does not resolve': row({ outcome: observed('filtered', 'name-unresolved') }, 'inconclusive no-answer'),
  'UDP, identified': row(
    { ...dns, outcome: { ...observed('open', 'udp-response'), service: { status: 'identified', facts: {} } } },
    'fail forbidden-open',
  ),
  'UDP, a bare datagram is answered': row({ ...bareUdp, outcome: observed('open', 'udp-response') }, 'fail forbidden-open'),
  'UDP, refused': row({ ...dns, outcome: observed('closed', 'port-unreach') }, 'warn reached-host', 'pass', 'pass', 'pass'),
  'UDP, prohibited': row({ ...dns, outcome: prohibited }, 'pass | inconclusive no-control'),
  'UDP, host unreachable': row({ ...dns, outcome: noHost }, 'inconclusive rejected'),
  'UDP, network unreachable': row({ ...dns, outcome: noNet }, 'inconclusive rejected'),
  'UDP, silent where a protocol was spoken': row({ ...dns, outcome: silent }, 'inconclusive uninformative'),
  'UDP, silent where silence is healthy': row({ ...kpasswd, outcome: silent }, 'inconclusive uninformative'),
  'UDP, silent to a bare datagram': row({ ...bareUdp, outcome: silent }, 'inconclusive uninformative'),
  'UDP, silent under any name': row({ ...bareUdp, outcome: dropped }, 'inconclusive uninformative'),
  'nothing: it needed another answer': row({ outcome: failed('prerequisite', 'x') }, 'skip prerequisite'),
  'nothing: the source could not look': row({ outcome: failed('source-exhausted') }, 'error not-checked'),
  'nothing: the source never told': row({}, 'error not-checked'),
};

/** A row with one verdict everywhere, or one for each expectation. */
function row(evidence: Partial<Question>, filtered: string, onlyClosed = filtered, closedToo = filtered, blocks = filtered) {
  return { evidence, verdicts: [filtered, onlyClosed, closedToo, blocks] } as const;
}

describe('judge: forbidden traffic, all of it', () => {
  const expectations = [shut, ['closed'], shutOrRefused, blocked] as const satisfies readonly Expectation[];
  for (const [name, { evidence, verdicts }] of Object.entries(forbiddenTable)) {
    test(name, () => {
      for (const [index, expect] of expectations.entries()) {
        const [withControl = '', without = withControl] = (verdicts[index] ?? '').split(' | ');
        for (const [control, expected] of [[true, withControl] as const, [false, without] as const]) {
          const { status, finding } = judge({ ...base, ...evidence, expect, control });
          assert.equal([status, finding?.code].join(' ').trim(), expected, `expect ${expect.join()}, ${control ? 'with' : 'without'} a control`);
        }
      }
    });
  }
});

const wanted = (question: Question): Question => ({ ...question, expect: ['open'] });
const isUdpSilence = ({ outcome, transport }: Question): boolean =>
  outcome?.kind === 'observed' && transport === 'udp' && outcome.reason === 'no-response' && outcome.state !== 'open' && outcome.state !== 'closed';

describe('judge: whatever was seen', () => {
  const probeNames: readonly ProbeName[] = Object.keys(probes).filter((name): name is ProbeName => name in probes);
  const service = fc.record({
    status: fc.constantFrom(...serviceStatuses),
    facts: fc.record<Facts>(
      {
        rejectionsLimited: fc.boolean(),
        looksLike: fc.constant('http'),
        addresses: fc.subarray(['192.0.2.1 open', '192.0.2.2 open silent', '192.0.2.3 open tls-failed', '192.0.2.4 filtered no-response']),
        resolution: fc.constantFrom('no-such-name', 'no-answer'),
        proxy: fc.constant(proxy),
        proxyStatus: fc.constantFrom(200, 403, 407, 502),
        proxyCredentialsWithheld: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  });
  const anyObserved: fc.Arbitrary<Outcome> = fc.record(
    {
      kind: fc.constant('observed' as const),
      state: fc.constantFrom(...states),
      reason: fc.constantFrom(...reasons),
      service,
      target: fc.constant(seenAt.target),
      at: fc.constant(seenAt.at),
    },
    { requiredKeys: ['kind', 'state', 'reason', 'target', 'at'] },
  );
  const anyFailed: fc.Arbitrary<Outcome> = fc.constantFrom(...failureCodes).map((code) => failed(code));
  const assessed = fc.array(fc.constantFrom(skew, other, late), { maxLength: 3 });
  const anyQuestion: fc.Arbitrary<Question> = fc.record({
    expect: fc.subarray<Expectation[number]>([...states, 'blocked'], { minLength: 1 }),
    requirement: fc.constantFrom('required' as const, 'optional' as const, 'legacy' as const),
    probe: fc.constantFrom(...probeNames),
    transport: fc.constantFrom('tcp' as const, 'udp' as const),
    platform: fc.constantFrom('samba' as const, 'windows' as const, undefined),
    outcome: fc.oneof({ weight: 8, arbitrary: anyObserved }, { weight: 2, arbitrary: anyFailed }, fc.constant(undefined)),
    skip: fc.constantFrom(undefined, { code: 'no-vantage' as const }),
    assessed,
    control: fc.boolean(),
    receipt: fc.constantFrom('received' as const, 'missing' as const, undefined),
    responderAnswered: fc.constantFrom(true, false, undefined),
    attempts: fc.integer({ min: 0, max: 3 }),
    udpRefused: fc.constantFrom(true, false, undefined),
    identityUnknown: fc.constantFrom(true, false, undefined),
    acceptsAll: fc.constantFrom(true, false, undefined),
  });
  const always = (claim: (question: Question) => void): void => fc.assert(fc.property(anyQuestion, claim), { numRuns: 5_000 });

  test('there is a verdict, and every one but a pass carries a finding', () => {
    always((question) => {
      const { status, finding } = judge(question);
      assert.equal(finding === undefined, status === 'pass');
    });
  });
  test('what was not seen never passes, and is never found to be broken', () => {
    always((question) => {
      if (question.outcome?.kind !== 'observed') assert.match(judge(question).status, /^(error|skip)$/);
    });
  });
  test('what was seen is never an error and never skipped', () => {
    always((question) => {
      if (question.outcome?.kind === 'observed') assert.doesNotMatch(judge(question).status, /^(error|skip)$/);
    });
  });
  test('where open is wanted, nothing but an open port passes', () => {
    always((question) => {
      const verdict = judge(wanted(question));
      if (verdict.status !== 'pass') return;
      assert.ok(question.outcome?.kind === 'observed');
      assert.equal(question.outcome.state, 'open');
      assert.match(question.outcome.service?.status ?? 'identified', /^identified$/);
    });
  });
  test('silence over UDP passes only where a live responder missed the token, and never where open is wanted', () => {
    always((question) => {
      if (!isUdpSilence(question)) return;
      assert.notEqual(judge(wanted(question)).status, 'pass');
      if (question.receipt !== 'missing') assert.notEqual(judge(question).status, 'pass');
    });
  });
  test('a missing host or route never passes as filtered', () => {
    always((question) => {
      const { outcome } = question;
      if (outcome?.kind !== 'observed' || outcome.state !== 'filtered' || !/^(host|net)-unreach$/.test(outcome.reason)) return;
      assert.notEqual(judge(question).status, 'pass');
    });
  });
  test('a filtered TCP port passes only with a control or a token that a live responder missed', () => {
    always((question) => {
      if (question.outcome?.kind !== 'observed' || question.outcome.state !== 'filtered' || question.transport !== 'tcp') return;
      if (judge(question).status === 'pass') assert.ok(question.control || question.receipt === 'missing');
    });
  });
  test('a forbidden port that answered never passes', () => {
    always((question) => {
      const { outcome, expect } = question;
      if (expect.includes('open') || outcome?.kind !== 'observed' || outcome.state !== 'open') return;
      if (outcome.service?.facts.proxyStatus === 403 && proxyTrouble(outcome) !== undefined) return;
      if (judge(question).status === 'pass') assert.match(outcome.service?.status ?? '', /^(disconnected|tls-failed)$/);
    });
  });
  test('what a proxy did passes only as a block, and only where it forbids', () => {
    always((question) => {
      const { outcome, expect } = question;
      if (outcome?.kind !== 'observed' || proxyTrouble(outcome) === undefined || judge(question).status !== 'pass') return;
      assert.ok(expect.includes('blocked') && outcome.service?.facts.proxyStatus === 403);
    });
  });
  test('no handshake alone decides where every handshake is completed', () => {
    always((question) => {
      const { outcome, transport, probe, expect, responderAnswered } = question;
      if (outcome?.kind !== 'observed' || outcome.state !== 'open' || outcome.service !== undefined || transport !== 'tcp') return;
      if (traitsOf(probe).identifies || responderAnswered === true || expect.includes('closed')) return;
      assert.match(judge({ ...question, acceptsAll: true, requirement: 'required' }).status, /^inconclusive$/);
    });
  });
  test('no answer behind an open port fails only where a healthy service is known to answer, or for what it showed before', () => {
    always((question) => {
      const { outcome, probe, platform } = question;
      if (outcome?.kind !== 'observed' || outcome.state !== 'open' || !/^(silent|disconnected|tls-failed)$/.test(outcome.service?.status ?? ''))
        return;
      if (proxyTrouble(outcome) !== undefined) return;
      const isBad = question.assessed.some(({ severity }) => severity === 'fail');
      const { status } = judge({ ...wanted(question), requirement: 'required' });
      const isKnown = traitsOf(probe).silence === 'failure' && platform !== undefined && traitsOf(probe).seenOn.includes(platform);
      assert.equal(status, isKnown || isBad ? 'fail' : 'inconclusive');
    });
  });
  test('what is not required warns where what is required fails or is inconclusive, and is the same otherwise', () => {
    always((question) => {
      const required = judge({ ...question, requirement: 'required' });
      const isSoft = required.status === 'fail' || required.status === 'inconclusive';
      for (const requirement of ['optional', 'legacy'] as const) {
        const softer = judge({ ...question, requirement });
        assert.equal(softer.status, isSoft ? 'warn' : required.status);
        assert.deepEqual([softer.finding, softer.also], [required.finding, required.also]);
      }
    });
  });
});

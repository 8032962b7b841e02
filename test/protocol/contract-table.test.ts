/**
 * The contract table: what each probe says, over each transport it speaks, of a peer in each condition. The rows come from the registry, so a probe that
 * nobody speaks for fails here.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Facts, volatileFacts } from '../../agent/contract/fact.ts';
import type { Observed } from '../../agent/contract/outcome.ts';
import { type ProbeName, type Transport, traitsOf } from '../../agent/contract/probe.ts';
import { capturedAt } from '../support/captures.ts';
import { makeIdentity } from '../support/certificate.ts';
import { jobOf, observedAt, resultAt, runJob } from '../support/jobs.ts';
import { services } from '../support/speakers.ts';
import { type Condition, conditions, rulesFor, spoken, startPeer } from '../support/peers.ts';

type Row = readonly [state: Observed['state'], reason: Observed['reason'], status?: NonNullable<Observed['service']>['status']];

/** What a peer in each condition is to a probe that asks for the service. */
const expected: Readonly<Record<Transport, Readonly<Record<Condition, Row>>>> = {
  tcp: {
    correct: ['open', 'syn-ack', 'identified'],
    garbage: ['open', 'syn-ack', 'malformed'],
    silent: ['open', 'syn-ack', 'silent'],
    'closes at once': ['open', 'syn-ack', 'disconnected'],
    'closes mid-reply': ['open', 'syn-ack', 'disconnected'],
    refused: ['closed', 'conn-refused'],
  },
  udp: {
    correct: ['open', 'udp-response', 'identified'],
    garbage: ['open', 'udp-response', 'malformed'],
    silent: ['open|filtered', 'no-response'],
    // The first datagram was taken; the second met nobody.
    'closes at once': ['closed', 'port-unreach'],
    'closes mid-reply': ['open', 'udp-response', 'malformed'],
    refused: ['closed', 'port-unreach'],
  },
};

/**
 * Whether the outcome is only certain at the deadline: silence is, and over UDP also nonsense, which may come before the answer, and the end of a peer that
 * took the first datagram.
 */
function waits(probe: ProbeName, transport: Transport, condition: Condition): boolean {
  if (condition === 'silent') return true;
  return transport === 'udp' && (condition === 'closes at once' || (traitsOf(probe).identifies && /garbage|mid-reply/.test(condition)));
}

/** How often the network was asked. DNS asks two questions, a dial each; a hang-up is asked again, and so is what has not answered yet over UDP, or where there is another form. */
function attemptsOf(probe: ProbeName, transport: Transport, condition: Condition): number {
  const { identifies, forms } = traitsOf(probe);
  // A ticket is good for one bind.
  if (probe === 'ldap-bind') return 1;
  if (probe === 'dns' && condition === 'correct') return 2;
  if (transport === 'udp') return waits(probe, transport, condition) ? 2 : 1;
  if (condition === 'silent') return forms > 1 ? 2 : 1;
  return identifies && condition.startsWith('closes') ? 2 : 1;
}

const srv = { rcode: 'NOERROR', authoritative: true, truncated: false, srvTargets: ['dc1.corp.example.test', 'dc2.corp.example.test'] };
const rootDse: Facts = {
  resultCode: 0,
  dnsName: 'dc1.corp.example.test',
  domain: 'corp.example.test',
  forest: 'corp.example.test',
  site: 'Default-First-Site-Name',
  synchronized: true,
  globalCatalogReady: true,
  functionalLevel: 4,
  vendor: 'Samba Team (https://www.samba.org)',
};
const tls: Facts = {
  tlsProtocol: 'TLSv1.3',
  tlsCipher: 'TLS_AES_256_GCM_SHA384',
  certificateChain: 'not-checked',
  certificateSubject: 'CN=dc1.corp.example.test',
  certificateIssuer: 'CN=dc1.corp.example.test',
  certificateNames: ['dc1.corp.example.test'],
  certificateUsages: ['1.3.6.1.5.5.7.3.1'],
  certificateSignature: 'ecdsa-with-SHA256',
  certificateKeyType: 'ec',
  certificateKeyBits: 256,
};

const identify: Facts = { httpStatus: 200, httpServer: 'Microsoft-HTTPAPI/2.0' };
const publicTls: Facts = { ...tls, certificateChain: 'DEPTH_ZERO_SELF_SIGNED_CERT' };

/** All facts of the proper answer, but for clocks and what is new in each certificate. */
const facts: Readonly<Record<ProbeName, Facts | undefined>> = {
  tcp: undefined,
  udp: undefined,
  dns: { ...srv, questions: 2, soaPrimary: 'dc1.corp.example.test' },
  cldap: {
    resultCode: 0,
    paused: false,
    roles: ['closest', 'ds', 'gc', 'good-time', 'kdc', 'ldap', 'full-secrets', 'pdc', 'time', 'writable'].sort(),
    domainGuid: 'a107ed65-9b7f-4915-a52d-4b2fd81a1c3a',
    forest: 'corp.example.test',
    domain: 'corp.example.test',
    dnsName: 'dc1.corp.example.test',
    netbiosDomain: 'CORP',
    netbiosName: 'DC1',
    site: 'Default-First-Site-Name',
    clientSite: 'Default-First-Site-Name',
  },
  ldap: rootDse,
  ldaps: { ...tls, ...rootDse },
  kerberos: { errorCode: 25, principal: 'DC1$', realm: 'CORP.EXAMPLE.TEST' },
  kpasswd: { errorCode: 2, realm: 'CORP.EXAMPLE.TEST' },
  ntp: { stratum: 8, leap: 0, referenceId: '127.127.1.1' },
  smb: { dialect: '3.1.1', signingRequired: true, serverGuid: '00316364-0000-0000-0000-000000000000' },
  epm: { rpcPorts: { drsuapi: 49153 }, rpcAbsent: ['netlogon', 'samr', 'lsarpc', 'dfsr'] },
  rpc: { rpcInterface: 'drsuapi' },
  'ldap-ticket': undefined,
  'cifs-ticket': undefined,
  'ldap-bind': { resultCode: 0 },
  netbios: {},
  https: { ...publicTls, httpStatus: 404, httpServer: 'Server' },
  rdp: {},
  quic: { quicVersions: ['0x00000001', '0x6b3343cf'] },
  adws: {},
  winrm: identify,
  'winrm-tls': { ...tls, ...identify },
  rdgw: { ...tls, httpStatus: 401, httpServer: 'Microsoft-HTTPAPI/2.0', httpSchemes: ['negotiate', 'ntlm'] },
  'netbios-datagram': {
    paused: false,
    roles: ['closest', 'ds', 'full-secrets', 'gc', 'ldap', 'pdc', 'writable'],
    domainGuid: '529e82fa-fbd7-43a8-9c3f-8e95b8c0132b',
    forest: 'corp.example.test',
    domain: 'corp.example.test',
    dnsName: 'dc1.corp.example.test',
    netbiosDomain: 'CORP',
    netbiosName: 'DC1',
    site: 'Default-First-Site-Name',
    clientSite: 'Default-First-Site-Name',
  },
};
/** Those of probes that ask another thing over each transport. */
const factsOver: Readonly<Partial<Record<ProbeName, Readonly<Record<Transport, Facts>>>>> = {
  netbios: {
    tcp: { sessionCode: 'positive' },
    udp: {
      netbiosNames: ['CORP<00>', 'CORP<1b>', 'CORP<1c>', 'DC1<00>', 'DC1<03>', 'DC1<20>', '__SAMBA__<00>', '__SAMBA__<20>'],
      netbiosName: 'DC1',
      netbiosDomain: 'CORP',
    },
  },
  rdp: { tcp: { rdpSecurity: 'tls' }, udp: {} },
};

/** What the first answer, or the handshake, brought before a later answer broke off. */
const gatheredBefore: Readonly<Partial<Record<ProbeName, Facts>>> = { ldaps: tls, https: publicTls, 'winrm-tls': tls, rdgw: tls };

const clocks: Readonly<Partial<Record<ProbeName, number>>> = {
  ldap: capturedAt.rootDse,
  ldaps: capturedAt.rootDse,
  kerberos: capturedAt.preAuthentication,
  kpasswd: capturedAt.changeRefused,
};

const identity = makeIdentity('dc1.corp.example.test');
const newEachTime = new Set<string>([...volatileFacts, 'certificateNotBefore', 'certificateNotAfter', 'certificateFingerprint']);

describe('the contract table', { concurrency: true }, () => {
  for (const [probe, transport, spokenFor] of spoken) {
    for (const condition of conditions) {
      const [state, reason, status] = expected[transport][condition];
      const service = traitsOf(probe).identifies ? status : undefined;
      test(`${probe} over ${transport}, ${condition}: ${state}, ${reason}${service === undefined ? '' : `, ${service}`}`, async (t) => {
        assert.ok(spokenFor !== undefined, `nobody speaks ${probe} over ${transport}: add a speaker`);
        const port = await startPeer(t, condition, transport, spokenFor, identity);
        const rules = await rulesFor(t, probe, transport, port);
        const timeoutMs = waits(probe, transport, condition) ? 2_000 : 10_000;
        const told = await runJob(jobOf(rules, { timeoutMs }));
        const outcome = observedAt(told, rules.length - 1);

        assert.deepEqual([outcome.state, outcome.reason, outcome.service?.status], [state, reason, service]);
        assert.deepEqual(outcome.target, { address: '127.0.0.1', port });
        assert.equal(outcome.local?.address, '127.0.0.1');
        assert.equal(outcome.port, probe === 'rpc' ? port : undefined);
        const { attempts, elapsedMs } = resultAt(told, rules.length - 1);
        assert.equal(attempts, attemptsOf(probe, transport, condition));
        assert.ok(elapsedMs < 9_000, 'what is certain does not wait');
        if (condition === 'correct') assertFacts(probe, transport, outcome, port);
        if (condition === 'garbage' && service !== undefined) assertGarbage(probe, outcome);
        if (condition === 'closes mid-reply' && service === 'disconnected') {
          assert.deepEqual(lasting(outcome.service?.facts ?? {}), gatheredBefore[probe] ?? {});
        }
      });
    }
  }
});

function lasting(all: Facts): Facts {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !newEachTime.has(name)));
}

function assertFacts(probe: ProbeName, transport: Transport, outcome: Observed, port: number): void {
  const wanted = probe === 'rpc' ? { ...facts.rpc, rpcSecondaryPort: port } : (factsOver[probe]?.[transport] ?? facts[probe]);
  const found = outcome.service?.facts;
  assert.deepEqual(found && lasting(found), wanted);
  const clock = clocks[probe];
  if (clock === undefined) return;
  const offset = found?.clockOffsetMs ?? assert.fail('no clock');
  assert.ok(Math.abs(Date.parse(outcome.at) + offset - clock) < 5_000, `clock off by ${offset} ms`);
}

function assertGarbage(probe: ProbeName, outcome: Observed): void {
  const { firstBytes, looksLike, complaint } = outcome.service?.facts ?? {};
  assert.ok(complaint !== undefined && complaint !== '');
  // Of bytes that a TLS library refused it tells only that.
  if (services[probe].tcp?.tls !== true) assert.deepEqual([firstBytes?.slice(0, 10), looksLike], ['485454502f', 'http']);
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Candidate, LocateJob, ResolverView } from '../../agent/contract/locate.ts';
import { contractVersion } from '../../agent/contract/job.ts';
import { locate, type Vantage } from '../../agent/locate.ts';
import { converser } from '../../agent/runner.ts';
import { surroundings } from '../support/jobs.ts';
import { refusedPort } from '../support/loopback.ts';
import { serveDcs, serveZones, type Zone } from '../support/zones.ts';

const domain = 'corp.example.test';
const allDcs = `srv _ldap._tcp.dc._msdcs.${domain}`;
const siteDcs = `srv _ldap._tcp.Default-First-Site-Name._sites.dc._msdcs.${domain}`;
const zone: Zone = {
  [allDcs]: [`dc1.${domain}`, `dc2.${domain}`],
  [`srv _ldap._tcp.pdc._msdcs.${domain}`]: [`dc1.${domain}`],
  [siteDcs]: [`dc1.${domain}`],
  [`a dc1.${domain}`]: ['127.0.0.11'],
  [`a dc2.${domain}`]: ['127.0.0.12'],
};

const job: LocateJob = {
  kind: 'locate',
  contract: contractVersion,
  run: 'test',
  domain,
  resolvers: [],
  dcs: [],
  timeoutMs: 400,
  attempts: 2,
  endsAfterMs: 10_000,
};

function vantage(dns: number, ldap: number, resolvers: readonly string[]): Vantage {
  const converse = converser(job, surroundings, new AbortController().signal);
  return { converse, resolvers, random: randomBytes, now: Date.now, ports: { dns, ldap } };
}

function shown({ dnsName, address, resolvers, ping }: Candidate): string {
  const state = ping.kind === 'observed' ? (ping.service?.status ?? ping.reason) : ping.code;
  return `${dnsName.split('.')[0]} ${address} from ${resolvers.join(',') || 'the user'}: ${state}`;
}

function view({ address, dcs, siteDcs: ofSite }: ResolverView): string {
  const state = dcs.rcode ?? (dcs.outcome.kind === 'observed' ? dcs.outcome.reason : dcs.outcome.code);
  return `${address} ${state} ${dcs.found.length}${ofSite === undefined ? '' : `, site ${ofSite.found.length}`}`;
}

test('each resolver is asked on its own, and what it names is pinged once: the liar, the silent one and the good one', async (t) => {
  const dns = await serveZones(t, { '127.0.0.2': {}, '127.0.0.3': undefined, '127.0.0.4': zone });
  const ldap = await serveDcs(t, ['127.0.0.11']);
  const located = await locate(job, vantage(dns, ldap, ['127.0.0.2', '127.0.0.3', '127.0.0.4']));
  assert.deepEqual(located.resolvers.map(view), ['127.0.0.2 NXDOMAIN 0, site 0', '127.0.0.3 no-response 0', '127.0.0.4 NOERROR 2, site 1']);
  assert.deepEqual(located.candidates.map(shown), [
    'dc1 127.0.0.11 from 127.0.0.4: identified',
    // Nobody listens there, and loopback says so.
    'dc2 127.0.0.12 from 127.0.0.4: port-unreach',
  ]);
  assert.equal(located.clientSite, 'Default-First-Site-Name');
  assert.equal(located.resolvers[2]?.pdc.found.join(), `dc1.${domain}`);
  assert.equal(located.leftOut, 0);
});

test('resolvers that agree name each DC together', async (t) => {
  const dns = await serveZones(t, { '127.0.0.2': zone, '127.0.0.3': zone });
  const ldap = await serveDcs(t, ['127.0.0.11', '127.0.0.12']);
  const { candidates } = await locate(job, vantage(dns, ldap, ['127.0.0.2', '127.0.0.3']));
  assert.deepEqual(candidates.map(shown), [
    'dc1 127.0.0.11 from 127.0.0.2,127.0.0.3: identified',
    'dc2 127.0.0.12 from 127.0.0.2,127.0.0.3: identified',
  ]);
});

test("the job's resolvers stand in the place of the host's", async (t) => {
  const dns = await serveZones(t, { '127.0.0.2': zone, '127.0.0.3': {} });
  const ldap = await serveDcs(t, ['127.0.0.11']);
  const { resolvers } = await locate({ ...job, resolvers: ['127.0.0.2'] }, vantage(dns, ldap, ['127.0.0.3']));
  assert.deepEqual(resolvers.map(view), ['127.0.0.2 NOERROR 2, site 1']);
});

test('a DC that the user named is found when DNS is not, and is the same DC when it is', async (t) => {
  const dns = await refusedPort(t, 'udp');
  const ldap = await serveDcs(t, ['127.0.0.11']);
  const dcs = [{ dnsName: `dc1.${domain}`, address: '127.0.0.11' }];
  const without = await locate({ ...job, dcs }, vantage(dns, ldap, ['127.0.0.2']));
  assert.deepEqual(without.resolvers.map(view), ['127.0.0.2 port-unreach 0']);
  assert.deepEqual(without.candidates.map(shown), ['dc1 127.0.0.11 from the user: identified']);
  const served = await serveZones(t, { '127.0.0.2': zone });
  const { candidates } = await locate({ ...job, dcs }, vantage(served, ldap, ['127.0.0.2']));
  assert.equal(candidates.filter(({ address }) => address === '127.0.0.11').length, 1);
});

test('an answer that was cut is asked for again over TCP', async (t) => {
  const dns = await serveZones(t, { '127.0.0.2': zone }, true);
  const ldap = await serveDcs(t, ['127.0.0.11', '127.0.0.12']);
  const { resolvers, candidates } = await locate(job, vantage(dns, ldap, ['127.0.0.2']));
  assert.deepEqual(resolvers.map(view), ['127.0.0.2 NOERROR 2, site 1']);
  assert.equal(candidates.length, 2);
});

test('without a resolver nothing is asked and nothing is found', async () => {
  assert.deepEqual(await locate(job, vantage(53, 389, [])), { kind: 'located', resolvers: [], candidates: [], leftOut: 0 });
});

test('a resolver that names hundreds of DCs has its limit, and what is left out is counted', async (t) => {
  const names = Array.from({ length: 70 }, (_, index) => `x${index}`);
  const dns = await serveZones(t, { '127.0.0.2': { [allDcs]: names } }, true);
  const { resolvers, leftOut } = await locate(job, vantage(dns, 389, ['127.0.0.2']));
  assert.equal(resolvers[0]?.dcs.found.length, 70);
  assert.equal(leftOut, 6);
});

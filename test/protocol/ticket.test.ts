/** Tickets: the process that asks for them, what it sees and leaves behind, and what becomes of a check in each case. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { findTickets, type Place, type Tickets } from '../../agent/ticket.ts';
import { accept } from '../support/peers.ts';
import { cacheUntil, keyTable } from '../support/credentials.ts';
import { askedIn, type Behaviour, folderWithKerberos, seenIn } from '../support/kerberos-package.ts';
import { dc1, jobOf, resultAt, ruleOf, runJob, surroundings, type Told } from '../support/jobs.ts';
import { refusedPort, serveTcp, silentPort } from '../support/loopback.ts';
import { services } from '../support/speakers.ts';
import { folderWith } from '../support/temporary-folder.ts';

const hourMs = 3_600_000;

/** What the package in that folder saw. */
interface Seen {
  readonly service: string;
  readonly options: { readonly gssFlag: number; readonly mechOID: number; readonly principal?: string };
  readonly folder: string;
  readonly pid: number;
  readonly configuration: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Readonly<Record<string, string>>;
  readonly cache?: string;
}

function seen(folder: string): Seen {
  const value: Seen = JSON.parse(readFileSync(seenIn(folder), 'utf8'));
  return value;
}

function cacheFile(t: TestContext, endsAt = Date.now() + hourMs): string {
  return join(folderWith(t, { cache: cacheUntil(endsAt) }), 'cache');
}

/** This host, with a credential cache unless the environment says otherwise. */
function placeOf(t: TestContext, folder: string, environment: Place['environment'] = { KRB5CCNAME: `FILE:${cacheFile(t)}` }): Place {
  return { platform: 'linux', folder, environment, user: 4_294_967_294 };
}

function ticketsOf(t: TestContext, folder: string, environment?: Place['environment'], keytab?: string): Tickets {
  return findTickets({ installation: '/nowhere', ...(keytab !== undefined && { keytab }) }, placeOf(t, folder, environment));
}

/** Asks for both tickets at a port, and binds at another. */
async function ask(tickets: Tickets, kdc: number, ldap: number, timeoutMs = 10_000): Promise<Told> {
  const rules = [ruleOf('ldap-ticket', 'tcp', kdc), ruleOf('cifs-ticket', 'tcp', kdc), ruleOf('ldap-bind', 'tcp', ldap, { after: [0] })];
  return runJob(jobOf(rules, { timeoutMs }), undefined, undefined, { ...surroundings, tickets });
}

function shown(told: Told, index: number): readonly unknown[] {
  const { outcome } = resultAt(told, index);
  return outcome.kind === 'failed' ? ['failed', outcome.code] : [outcome.state, outcome.reason, outcome.service?.status];
}

function factsOf(told: Told, index: number): Facts | undefined {
  const { outcome } = resultAt(told, index);
  return outcome.kind === 'observed' ? outcome.service?.facts : undefined;
}

/** A KDC's port, as far as the handshake goes. */
function kdcPort(t: TestContext): Promise<number> {
  return silentPort(t, 'tcp');
}

function directory(t: TestContext): Promise<number> {
  const service = services['ldap-bind'].tcp ?? assert.fail();
  return serveTcp(t, (socket) =>
    accept(socket, service, { key: '', cert: '' }, (request, stream) => void stream.write(service.speak(request, 0) ?? '')),
  );
}

describe('tickets', { concurrency: 2 }, () => {
  test('are issued, and the DC takes the one for its directory', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const told = await ask(ticketsOf(t, folder), await kdcPort(t), await directory(t));
    for (const index of [0, 1, 2]) assert.deepEqual(shown(told, index), ['open', 'syn-ack', 'identified']);
    const principal = 'alice@CORP.EXAMPLE.TEST';
    assert.deepEqual(factsOf(told, 1), { errorCode: 0, realm: 'CORP.EXAMPLE.TEST', principal, servicePrincipal: 'cifs/dc1.corp.example.test' });
    assert.deepEqual(factsOf(told, 2), { resultCode: 0 });
    // Neither the ticket nor any part of the cache is told.
    for (const secret of ['a ticket', Buffer.from('a ticket').toString('base64')]) assert.ok(!JSON.stringify(told).includes(secret));
  });

  test('the process sees one KDC and its own copy of the cache, in a folder of its own that is gone afterwards', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const kdc = await kdcPort(t);
    const tickets = ticketsOf(t, folder, { KRB5CCNAME: `FILE:${cacheFile(t)}`, KRB5_CLIENT_KTNAME: '/elsewhere' });
    await ask(tickets, kdc, await directory(t));
    const { service, options, configuration, env, files, cache = '', ...rest } = seen(folder);
    assert.match(service, /^(ldap|cifs)@dc1\.corp\.example\.test$/);
    assert.deepEqual(options, { mechOID: 6, gssFlag: 2 | 32 });
    assert.match(configuration, new RegExp(`kdc = 127\\.0\\.0\\.1:${kdc}\\n`));
    for (const line of ['dns_lookup_kdc = false', 'udp_preference_limit = 1', `plugin_base_dir = ${rest.folder}`])
      assert.ok(configuration.includes(line), line);
    assert.deepEqual(files, { '.': '700', cache: '600', 'krb5.conf': '600' });
    assert.deepEqual([env['KRB5CCNAME'], env['KRB5_CLIENT_KTNAME']], [`FILE:${rest.folder}/cache`, `FILE:${rest.folder}/none`]);
    assert.ok(!Buffer.from(cache, 'base64').includes('dc1.corp.example.test'), 'no ticket for a service is in the copy');
    assert.ok(!JSON.stringify([rest.arguments, env]).includes(cache.slice(0, 40)));
    assert.ok(!JSON.stringify(rest.arguments).includes('dc1'), 'its arguments, which everybody can read, name nothing');
    assert.ok(!existsSync(rest.folder));
  });

  test('with a key table its machine account asks, and no cache is touched', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const keytab = join(folderWith(t, { keytab: keyTable }), 'keytab');
    for (const tickets of [ticketsOf(t, folder, undefined, keytab), ticketsOf(t, folder, { KRB5CCNAME: '/nowhere', KRB5_CLIENT_KTNAME: keytab })]) {
      const told = await ask(tickets, await kdcPort(t), await directory(t));
      assert.equal(factsOf(told, 0)?.principal, 'CLIENT$@CORP.EXAMPLE.TEST');
      const { options, env, files } = seen(folder);
      assert.equal(options.principal, 'CLIENT$@CORP.EXAMPLE.TEST');
      assert.deepEqual([env['KRB5CCNAME'], env['KRB5_CLIENT_KTNAME']], ['MEMORY:portmatrix', `FILE:${keytab}`]);
      assert.deepEqual(Object.keys(files), ['.', 'krb5.conf']);
    }
  });

  const conditions: Readonly<Record<string, readonly [Behaviour, tickets: readonly unknown[], bind: readonly unknown[]]>> = {
    'that the KDC refuses are told by its error': ['refuses', ['open', 'syn-ack', 'identified'], ['failed', 'prerequisite']],
    'that came from elsewhere count for nothing': ['serves from a cache', ['failed', 'unclassified'], ['failed', 'prerequisite']],
    'whose KDC takes no question: disconnected': ['cannot reach', ['open', 'syn-ack', 'disconnected'], ['failed', 'prerequisite']],
    'whose process dies are nobody’s fault': ['dies', ['failed', 'unclassified'], ['failed', 'prerequisite']],
    'whose package cannot be loaded are not for this source': ['broken', ['failed', 'not-equipped'], ['failed', 'prerequisite']],
  };
  for (const [name, [behaviour, ticket, bind]] of Object.entries(conditions)) {
    test(name, async (t) => {
      const folder = folderWithKerberos(t, behaviour);
      const told = await ask(ticketsOf(t, folder), await kdcPort(t), await refusedPort(t, 'tcp'));
      assert.deepEqual([shown(told, 0), shown(told, 1), shown(told, 2)], [ticket, ticket, bind]);
      if (behaviour === 'refuses') assert.equal(factsOf(told, 0)?.errorCode, 7);
      if (behaviour !== 'broken') assert.ok(!existsSync(seen(folder).folder));
    });
  }

  test('that do not come end with the deadline, and so do the process and its folder', async (t) => {
    const folder = folderWithKerberos(t, 'hangs');
    const told = await ask(ticketsOf(t, folder), await kdcPort(t), await refusedPort(t, 'tcp'), 1_500);
    assert.deepEqual(shown(told, 0), ['open', 'syn-ack', 'silent']);
    assert.deepEqual(shown(told, 2), ['failed', 'prerequisite']);
    const { folder: used, pid } = seen(folder);
    assert.ok(!existsSync(used));
    await gone(pid);
  });

  test('whose KDC does not listen need no process', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const told = await ask(ticketsOf(t, folder), await refusedPort(t, 'tcp'), await directory(t));
    assert.deepEqual(
      [shown(told, 0), shown(told, 2)],
      [
        ['closed', 'conn-refused', undefined],
        ['failed', 'prerequisite'],
      ],
    );
    assert.ok(!existsSync(seenIn(folder)));
  });

  test('for more DCs than are asked at a time are all asked', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const kdc = await kdcPort(t);
    const rules = Array.from({ length: 20 }, (_, index) => ruleOf('cifs-ticket', 'tcp', kdc, { rule: `t${index}` }));
    const told = await runJob(jobOf(rules, { timeoutMs: 20_000 }), undefined, undefined, { ...surroundings, tickets: ticketsOf(t, folder) });
    for (const index of rules.keys()) assert.deepEqual(shown(told, index), ['open', 'syn-ack', 'identified']);
  });

  test('with a key that a KDC refuses are not asked for again: the account would be locked', async (t) => {
    const folder = folderWithKerberos(t, 'refuses the key');
    const kdc = await kdcPort(t);
    const rules = Array.from({ length: 10 }, (_, index) => ruleOf('cifs-ticket', 'tcp', kdc, { rule: `t${index}` }));
    const keytab = join(folderWith(t, { keytab: keyTable }), 'keytab');
    const tickets = ticketsOf(t, folder, undefined, keytab);
    const told = await runJob(jobOf(rules, { timeoutMs: 20_000 }), undefined, undefined, { ...surroundings, tickets });
    const errors = [...rules.keys()].map((index) => factsOf(told, index)?.errorCode);
    assert.deepEqual(
      errors.filter((code) => code !== undefined),
      [24],
    );
    for (const [index, code] of errors.entries()) {
      if (code === undefined)
        assertFailed(
          resultAt(told, index).outcome,
          'no-credentials',
          /^a KDC refused the key of CLIENT\$@CORP\.EXAMPLE\.TEST, so it is not tried again$/,
        );
    }
    assert.equal(askedIn(folder), 1);
  });

  test('with a key whose first KDC stays silent are asked of the next', async (t) => {
    const folder = folderWithKerberos(t, 'hangs');
    const kdc = await kdcPort(t);
    const rules = [0, 1].map((index) => ruleOf('cifs-ticket', 'tcp', kdc, { rule: `t${index}` }));
    const keytab = join(folderWith(t, { keytab: keyTable }), 'keytab');
    const told = await runJob(jobOf(rules, { timeoutMs: 1_500 }), undefined, undefined, {
      ...surroundings,
      tickets: ticketsOf(t, folder, undefined, keytab),
    });
    for (const index of rules.keys()) assert.deepEqual(shown(told, index), ['open', 'syn-ack', 'silent']);
    assert.equal(askedIn(folder), 2);
  });

  test('are good for one bind: the second that wants the same one is not asked', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const ldap = await directory(t);
    const rules = [
      ruleOf('ldap-ticket', 'tcp', await kdcPort(t)),
      ruleOf('ldap-bind', 'tcp', ldap, { rule: 'one', after: [0] }),
      ruleOf('ldap-bind', 'tcp', ldap, { rule: 'other', after: [0] }),
    ];
    const told = await runJob(jobOf(rules), undefined, undefined, { ...surroundings, tickets: ticketsOf(t, folder) });
    assert.deepEqual(
      [shown(told, 1), shown(told, 2)],
      [
        ['open', 'syn-ack', 'identified'],
        ['failed', 'prerequisite'],
      ],
    );
  });

  test('of a domain that nobody named are not asked for', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const { domain: _, ...stranger } = { ...dc1, dnsName: 'dc1' };
    const job = jobOf([ruleOf('ldap-ticket', 'tcp', await kdcPort(t))]);
    const told = await runJob({ ...job, hosts: [job.hosts[0] ?? assert.fail(), stranger] }, undefined, undefined, {
      ...surroundings,
      tickets: ticketsOf(t, folder),
    });
    assertFailed(resultAt(told, 0).outcome, 'no-credentials', /domain of dc1 is not known/);
  });
});

describe('a source', { concurrency: true }, () => {
  test('without the package is not equipped, and nothing is dialled', async (t) => {
    const tickets = ticketsOf(t, folderWith(t, {}));
    assert.ok('code' in tickets && tickets.code === 'not-equipped');
    assert.match(tickets.message, /^the package kerberos is not installed on the source \(npm install kerberos@7\.0\.0 in /);
    const dialled: number[] = [];
    const port = await serveTcp(t, () => void dialled.push(1));
    const told = await ask(tickets, port, port);
    assert.deepEqual(
      [shown(told, 0), shown(told, 1), shown(told, 2)],
      [
        ['failed', 'not-equipped'],
        ['failed', 'not-equipped'],
        ['failed', 'prerequisite'],
      ],
    );
    assert.deepEqual(dialled, []);
  });

  test('of another system is not equipped', (t) => {
    for (const [platform, says] of [
      ['win32', /SSPI/],
      ['darwin', /this host runs darwin/],
    ] as const) {
      const tickets = findTickets({ installation: '/nowhere' }, { ...placeOf(t, folderWithKerberos(t, 'issues')), platform });
      assert.ok('code' in tickets && tickets.code === 'not-equipped');
      assert.match(tickets.message, says);
    }
  });

  test('takes the package of the installation as well as that of its own folder', (t) => {
    const folder = folderWithKerberos(t, 'issues');
    assert.ok('order' in findTickets({ installation: folder }, placeOf(t, '/')));
  });

  const credentials: Readonly<Record<string, readonly [environment: (t: TestContext) => Place['environment'], says: RegExp]>> = {
    'without a cache has no credentials': [() => ({ KRB5CCNAME: 'FILE:/nowhere/cache' }), /^\/nowhere\/cache cannot be read \(ENOENT\)$/],
    'whose usual cache is not there has none': [() => ({}), /^\/tmp\/krb5cc_4294967294 cannot be read \(ENOENT\)$/],
    'whose cache is kept elsewhere has none that could be used': [() => ({ KRB5CCNAME: 'KEYRING:persistent:0' }), /KEYRING:persistent:0 is no file/],
    'whose cache is something else has none': [
      (t) => ({ KRB5CCNAME: join(folderWith(t, { cache: 'hello' }), 'cache') }),
      /is not understood: no credential cache of version 4$/,
    ],
    'whose key table is empty has none': [
      (t) => ({ KRB5CCNAME: '/nowhere', KRB5_CLIENT_KTNAME: `FILE:${join(folderWith(t, { empty: keyTable.subarray(0, 2) }), 'empty')}` }),
      /\/empty holds no key$/,
    ],
  };
  for (const [name, [environment, says]] of Object.entries(credentials)) {
    test(name, (t) => {
      const tickets = ticketsOf(t, folderWithKerberos(t, 'issues'), environment(t));
      assert.ok('code' in tickets && tickets.code === 'no-credentials', JSON.stringify(tickets));
      assert.match(tickets.message, says);
    });
  }

  test('whose ticket-granting ticket has ended has no credentials, and so it is with one of another realm', async (t) => {
    const folder = folderWithKerberos(t, 'issues');
    const kdc = await kdcPort(t);
    const ended = await ask(ticketsOf(t, folder, { KRB5CCNAME: cacheFile(t, Date.now() - hourMs) }), kdc, kdc);
    assertFailed(resultAt(ended, 0).outcome, 'no-credentials', /^the ticket-granting ticket of alice@CORP\.EXAMPLE\.TEST ended at /);
    const job = jobOf([ruleOf('ldap-ticket', 'tcp', kdc)]);
    const hosts = [job.hosts[0] ?? assert.fail(), { ...dc1, domain: 'other.test' }];
    const other = await runJob({ ...job, hosts }, undefined, undefined, { ...surroundings, tickets: ticketsOf(t, folder) });
    assertFailed(resultAt(other, 0).outcome, 'no-credentials', /no ticket-granting ticket for the realm OTHER\.TEST$/);
    assert.ok(!existsSync(seenIn(folder)));
  });
});

function assertFailed(outcome: Outcome, code: string, says: RegExp): void {
  assert.ok(outcome.kind === 'failed' && outcome.code === code, JSON.stringify(outcome));
  assert.match(outcome.message, says);
}

/** Resolves when the process is gone, or no more than a corpse. */
async function gone(pid: number): Promise<void> {
  const status = `/proc/${pid}/stat`;
  while (existsSync(status) && !/\) [ZX] /.test(readFileSync(status, 'utf8'))) await new Promise((resolve) => setImmediate(resolve));
}

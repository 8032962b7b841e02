/** A run over loopback: verdicts, files, formats and exit codes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { validateXML } from 'xmllint-wasm';
import type { Report } from '../../src/report.ts';
import { far, near, onScene, portmatrix, sceneOf, type WrittenHost, type WrittenRule } from '../support/binary.ts';
import { refusedPort, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { junitSchemaFile, reportSchemaFile } from '../support/reporting.ts';
import { services } from '../support/speakers.ts';

const quick = ['--timeout-ms', '500'];

/** One rule for each thing that a port can do. */
async function everyPort(t: TestContext): Promise<readonly WrittenRule[]> {
  const open = (): Promise<number> => serveTcp(t, (socket) => socket.end());
  const dns = services.dns.udp;
  assert.ok(dns !== undefined);
  const answering = await serveUdp(t, (request, reply) => {
    const answer = dns.speak(request, 53);
    if (answer !== undefined) reply(answer);
  });
  return [
    { id: 'open', ports: [`${await open()}/tcp`], probe: 'tcp' },
    { id: 'closed', ports: [`${await refusedPort(t, 'tcp')}/tcp`], probe: 'tcp' },
    { id: 'closed-udp', ports: [`${await refusedPort(t, 'udp')}/udp`], probe: 'udp' },
    { id: 'silent-udp', ports: [`${await silentPort(t, 'udp')}/udp`], probe: 'udp' },
    { id: 'silent-dns', ports: [`${await silentPort(t, 'udp')}/udp`], probe: 'dns' },
    { id: 'dns', ports: [`${answering}/udp`], probe: 'dns' },
    { id: 'mute-ldap', ports: [`${await silentPort(t, 'tcp')}/tcp`], probe: 'ldap' },
    { id: 'forbidden', ports: [`${await open()}/tcp`], probe: 'tcp', expect: ['filtered'] },
    { id: 'shut', ports: [`${await refusedPort(t, 'tcp')}/tcp`], probe: 'tcp', expect: ['closed', 'filtered'] },
    { id: 'spare', ports: [`${await refusedPort(t, 'tcp')}/tcp`], probe: 'tcp', requirement: 'optional' },
    { id: 'conditional', ports: [`${await open()}/tcp`], probe: 'tcp', when: 'gc' },
    { id: 'mapper', ports: [`${await refusedPort(t, 'tcp')}/tcp`], probe: 'epm' },
    { id: 'mapped', ports: ['49152-65535/tcp'], probe: 'rpc', interfaces: ['netlogon'], after: ['mapper'] },
  ];
}

function openEverywhere(t: TestContext): Promise<number> {
  return serveTcp(t, (socket) => socket.end(), { address: '0.0.0.0' });
}

function reportOf(text: string): Report {
  const report: Report = JSON.parse(text);
  return report;
}

function verdicts({ results }: Report): Record<string, string> {
  return Object.fromEntries(
    results.map(({ check, verdict }) => [check.rule, [verdict.status, verdict.finding?.code].filter((word) => word !== undefined).join(' ')]),
  );
}

describe('a run with its control', () => {
  const controlPort = 40;
  const host = (address: string): WrittenHost => ({ ...far, address });
  const privileged = process.getuid?.() === 0 ? false : 'only root can listen on a port below 1024';
  const asked = ['run', '-i', 'inventory.yaml', '-m', 'mine.yaml', ...quick, '--out', 'out', '--format', 'json'];

  it('asks one port more of each pair, which refuses, and passes', async (t) => {
    const address = '127.0.40.1';
    const port = await serveTcp(t, (socket) => socket.end(), { address });
    const { code, stdout } = await portmatrix(t, asked, {
      cwd: sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }], [near, host(address)]),
    });
    assert.deepEqual(verdicts(reportOf(stdout)), { web: 'pass', 'unassigned-port': 'pass' });
    assert.equal(code, 0);
  });

  it('takes no handshake for an answer where that port connects too', { skip: privileged }, async (t) => {
    const address = '127.0.40.2';
    const port = await serveTcp(t, (socket) => socket.end(), { address });
    await serveTcp(t, (socket) => socket.end(), { address, port: controlPort });
    const { code, stdout } = await portmatrix(t, asked, {
      cwd: sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }], [near, host(address)]),
    });
    assert.deepEqual(verdicts(reportOf(stdout)), { web: 'inconclusive accept-all', 'unassigned-port': 'warn accept-all' });
    assert.equal(code, 3);
  });
});

describe('a run', () => {
  it('gives each port the verdict that it deserves, and every format says so', async (t) => {
    const folder = sceneOf(t, await everyPort(t), [near, { ...far, os: 'samba', dnsName: 'dc1.corp.example.test' }], { domain: 'corp.example.test' });
    const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene, ...quick, '--out', 'out', '--format', 'json'], { cwd: folder });
    const report = reportOf(stdout);
    assert.deepEqual(verdicts(report), {
      open: 'pass',
      closed: 'fail refused',
      'closed-udp': 'fail refused',
      'silent-udp': 'inconclusive uninformative',
      'silent-dns': 'fail no-answer',
      dns: 'pass',
      'mute-ldap': 'fail service-silent',
      forbidden: 'fail forbidden-open',
      shut: 'pass',
      spare: 'warn refused',
      conditional: 'skip not-applicable',
      mapper: 'fail refused',
      mapped: 'skip prerequisite',
    });
    assert.equal(code, 1);
    assert.equal(stderr, `Written: ${join(folder, 'out/report.json')}, ${join(folder, 'out/junit.xml')}\n`);
    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(report), JSON.stringify(isValid.errors));
    assert.equal(stdout, readFileSync(join(folder, 'out', 'report.json'), 'utf8'));
    const junit = readFileSync(join(folder, 'out', 'junit.xml'), 'utf8');
    const { errors } = await validateXML({ xml: { fileName: 'junit.xml', contents: junit }, schema: junitSchemaFile() });
    assert.deepEqual(errors, []);
    assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['junit.xml', 'report.json']);
    for (const { check } of report.results) assert.ok(junit.includes(check.id.replaceAll('>', '&gt;')), check.id);

    const plan = await portmatrix(t, ['plan', ...onScene, '--format', 'json'], { cwd: folder });
    const planned = plan.stdout.trimEnd().split('\n');
    assert.equal(planned.length, report.summary.total);
    assert.deepEqual(
      planned.map((line) => reportedId(line)),
      report.results.map(({ check }) => check.id),
    );
  });

  it('is rendered again byte for byte, in every format', async (t) => {
    const folder = sceneOf(t, await everyPort(t), [near, { ...far, os: 'samba', dnsName: 'dc1.corp.example.test' }], { domain: 'corp.example.test' });
    const printed = await portmatrix(t, ['run', ...onScene, ...quick, '--out', 'out', '--format', 'table', '--format', 'json', '--format', 'junit'], {
      cwd: folder,
    });
    let again = '';
    for (const format of ['table', 'json', 'junit']) {
      const rendered = await portmatrix(t, ['report', 'out/report.json', '--format', format], { cwd: folder });
      assert.deepEqual({ code: rendered.code, stderr: rendered.stderr }, { code: 0, stderr: '' });
      again += rendered.stdout;
    }
    assert.equal(again, printed.stdout);
  });

  it('writes under reports/<run id> in the folder of the caller, and prints the table, when nothing else is said', async (t) => {
    const folder = sceneOf(t, [{ id: 'web', ports: [`${await serveTcp(t, (socket) => socket.end())}/tcp`], probe: 'tcp' }]);
    const { code, stdout } = await portmatrix(t, ['run', ...onScene], { cwd: folder });
    assert.equal(code, 0);
    const [id = ''] = readdirSync(join(folder, 'reports'));
    const { run, summary } = reportOf(readFileSync(join(folder, 'reports', id, 'report.json'), 'utf8'));
    assert.equal(run.id, id);
    assert.match(stdout, new RegExp(`run ${id}`));
    assert.deepEqual(summary, { total: 1, pass: 1, fail: 0, warn: 0, inconclusive: 0, error: 0, skip: 0 });
  });

  it('replaces an older report in its folder', async (t) => {
    const folder = sceneOf(t, [{ id: 'web', ports: [`${await serveTcp(t, (socket) => socket.end())}/tcp`], probe: 'tcp' }]);
    mkdirSync(join(folder, 'out'));
    const ids = new Set<string>();
    for (let turn = 0; turn < 2; turn += 1) {
      const { code } = await portmatrix(t, ['run', ...onScene, '--out', 'out'], { cwd: folder });
      assert.equal(code, 0);
      ids.add(reportOf(readFileSync(join(folder, 'out', 'report.json'), 'utf8')).run.id);
    }
    assert.equal(ids.size, 2);
  });

  it('with something undecided is exit 3, and exit 0 where that is allowed or the rule is optional', async (t) => {
    const rule = { id: 'ask', ports: [`${await silentPort(t, 'udp')}/udp`], probe: 'udp' };
    const folder = sceneOf(t, [rule]);
    assert.equal((await portmatrix(t, ['run', ...onScene, ...quick], { cwd: folder })).code, 3);
    assert.equal((await portmatrix(t, ['run', ...onScene, ...quick, '--allow-inconclusive'], { cwd: folder })).code, 0);
    const optional = sceneOf(t, [{ ...rule, requirement: 'optional' }]);
    assert.equal((await portmatrix(t, ['run', ...onScene, ...quick], { cwd: optional })).code, 0);
  });
});

describe('the choice of what is asked', () => {
  const hosts: readonly WrittenHost[] = [
    near,
    { name: 'near2', address: '127.0.0.10', roles: ['near'], connector: 'none' },
    far,
    { name: 'far2', address: '127.0.0.2', roles: ['far'] },
  ];

  it('narrows by source, destination and rule, and draws in what a rule needs', async (t) => {
    const [one, two, three] = [await openEverywhere(t), await openEverywhere(t), await openEverywhere(t)];
    const rules = [
      { id: 'other', ports: [`${one}/tcp`], probe: 'tcp' },
      { id: 'second', ports: [`${two}/tcp`], probe: 'tcp', after: ['first'] },
      { id: 'first', ports: [`${three}/tcp`], probe: 'tcp' },
    ];
    const folder = sceneOf(t, rules, hosts);
    const words = [...onScene, '--source', 'near1', '--destination', 'far2', '--rule', 'mine/second'];
    const { code, stdout } = await portmatrix(t, ['run', ...words, '--format', 'json'], { cwd: folder });
    assert.equal(code, 0);
    const { results } = reportOf(stdout);
    assert.deepEqual(
      results.map(({ check }) => check.id),
      [`mine/first/near1->far2:${three}/tcp`, `mine/second/near1->far2:${two}/tcp`],
    );
    const plan = await portmatrix(t, ['plan', ...words], { cwd: folder });
    assert.match(plan.stdout, /because a chosen rule needs it: mine\/first/);
  });

  it('skips what would start on a host without a vantage, and still asks it as a destination', async (t) => {
    const open = await openEverywhere(t);
    const folder = sceneOf(t, [{ id: 'web', ports: [`${open}/tcp`], probe: 'tcp' }], hosts);
    const { code, stdout } = await portmatrix(t, ['run', ...onScene, '--format', 'json'], { cwd: folder });
    assert.equal(code, 0);
    const { results, sources } = reportOf(stdout);
    assert.deepEqual(
      results.map(({ check, verdict }) => [check.source, check.destination, verdict.status, verdict.finding?.code]),
      [
        ['near1', 'far1', 'pass', undefined],
        ['near1', 'far2', 'pass', undefined],
        ['near2', 'far1', 'skip', 'no-vantage'],
        ['near2', 'far2', 'skip', 'no-vantage'],
      ],
    );
    assert.deepEqual(
      sources.map(({ name, state }) => [name, state]),
      [
        ['near1', 'reported'],
        ['near2', 'no-vantage'],
      ],
    );
  });

  it('without -m asks the published matrices whose roles are there, and no other', async (t) => {
    const folder = sceneOf(
      t,
      [{ id: 'web', ports: ['1/tcp'], probe: 'tcp' }],
      [
        { name: 'c', address: '127.0.0.9', roles: ['client'], connector: 'local' },
        { name: 'd', address: '127.0.0.1', roles: ['dc'] },
      ],
    );
    const { stdout } = await portmatrix(t, ['plan', '-i', 'inventory.yaml', '--format', 'json'], { cwd: folder });
    const matrices = new Set(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => reportedId(line).split('/')[0]),
    );
    assert.ok(matrices.has('client-to-dc'));
    assert.ok(!matrices.has('bastion-to-dc'));
    assert.ok(!existsSync(join(folder, 'reports')));
  });
});

function reportedId(line: string): string {
  const { id }: { readonly id: string } = JSON.parse(line);
  return id;
}

describe('--source-ports', () => {
  it('dials from the range that it names', async (t) => {
    const from: number[] = [];
    const port = await serveTcp(t, (socket) => {
      from.push(socket.remotePort ?? 0);
      socket.end();
    });
    const cwd = sceneOf(t, [{ id: 'open', ports: [`${port}/tcp`], probe: 'tcp' }]);
    const { code, stderr } = await portmatrix(t, ['run', ...onScene, '--without-control', '--source-ports', '49152-65535'], { cwd });
    assert.equal(code, 0, stderr);
    assert.ok(from.length === 1 && from.every((local) => local >= 49_152), from.join());
  });
});

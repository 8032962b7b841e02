/** Endpoints by name, from the inventory to the exit code, on loopback. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { validateXML } from 'xmllint-wasm';
import { readReport } from '../../src/report-file.ts';
import type { Report } from '../../src/report.ts';
import { portmatrix, type WrittenHost } from '../support/binary.ts';
import { makeIdentity } from '../support/certificate.ts';
import { refusedPort, serveTcp } from '../support/loopback.ts';
import { accept } from '../support/peers.ts';
import { junitSchemaFile, reportSchemaFile } from '../support/reporting.ts';
import { services } from '../support/speakers.ts';
import { folderWith } from '../support/temporary-folder.ts';

const web = services.https.tcp ?? assert.fail();
const localhost = makeIdentity('localhost');
const node1: WrittenHost = { name: 'node1', address: '127.0.0.9', roles: ['node'], region: 'eu-central-1', connector: 'local' };

/** An endpoint that listens on every address which `localhost` may have here. */
function serveEndpoint(t: TestContext, identity = localhost): Promise<number> {
  return serveTcp(t, (socket) => accept(socket, web, identity, (request, stream) => void stream.write(web.speak(request, 443) ?? '')), {
    address: '::',
  });
}

/** A folder with an inventory, whose authority is the endpoint's own certificate, and a matrix of such rules. */
function sceneOf(t: TestContext, rules: Readonly<Record<string, { readonly name: string; readonly port: number }>>, hosts = [node1]): string {
  const written = Object.entries(rules).map(([id, { name, port }]) => ({ id, to: { name }, ports: [`${port}/tcp`], probe: 'https' }));
  const cwd = folderWith(t, { 'ca.pem': localhost.cert });
  writeFileSync(join(cwd, 'inventory.yaml'), JSON.stringify({ hosts, authorities: 'ca.pem' }));
  writeFileSync(join(cwd, 'mine.yaml'), JSON.stringify({ matrix: 'mine', from: 'node', rules: written }));
  return cwd;
}

const run = ['run', '-i', 'inventory.yaml', '-m', 'mine.yaml', '--timeout-ms', '2000', '--out', 'out'];

function verdicts({ results }: Report): Record<string, string> {
  return Object.fromEntries(
    results.map(({ check, verdict }) => [check.rule, [verdict.status, verdict.finding?.code].filter((word) => word !== undefined).join(' ')]),
  );
}

describe('endpoints by name', () => {
  it('pass with a certificate for the name and any HTTP status, and fail with another one, or without a name or a listener', async (t) => {
    const cwd = sceneOf(t, {
      good: { name: 'localhost', port: await serveEndpoint(t) },
      portal: { name: 'localhost', port: await serveEndpoint(t, makeIdentity('portal.example.net')) },
      closed: { name: 'localhost', port: await refusedPort(t, 'tcp') },
      nowhere: { name: 'ssm.{region}.invalid', port: 443 },
      accountless: { name: 'ssm.{account}.invalid', port: 443 },
    });
    const { code, stderr } = await portmatrix(t, run, { cwd });
    const report = readReport(join(cwd, 'out', 'report.json'));
    const { nowhere, ...found } = verdicts(report);
    assert.deepEqual(found, { good: 'pass', portal: 'fail certificate-untrusted', closed: 'fail refused', accountless: 'skip field-missing' });
    // What a resolver makes of a name that cannot exist is its own matter: some say so, some cannot be reached.
    assert.match(nowhere ?? '', /^(fail name-unknown|inconclusive name-unsettled)$/);
    assert.equal(code, 1, stderr);
    assert.deepEqual(
      report.results.map(({ check }) => check.id.replace(/:\d+/, '')),
      [
        'mine/good/node1->localhost/tcp',
        'mine/portal/node1->localhost/tcp',
        'mine/closed/node1->localhost/tcp',
        'mine/nowhere/node1->ssm.eu-central-1.invalid/tcp',
        'mine/accountless/node1->ssm.{account}.invalid/tcp',
      ],
    );
    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(report), JSON.stringify(isValid.errors));
    const { stdout } = await portmatrix(t, ['report', 'out/report.json', '--format', 'junit'], { cwd });
    const { errors } = await validateXML({ xml: { fileName: 'junit.xml', contents: stdout }, schema: junitSchemaFile() });
    assert.deepEqual(errors, []);
    const table = await portmatrix(t, ['report', 'out/report.json'], { cwd });
    assert.match(table.stdout, /→ endpoints/);
    assert.match(table.stdout, /It was issued by "CN=portal\.example\.net"/);
  });

  it('go through the proxy that the environment of the source names, and a proxy that forbids them is what is blamed', async (t) => {
    const endpoint = await serveEndpoint(t);
    const asked: string[] = [];
    const proxy = await serveTcp(t, (socket) => {
      socket.once('data', (request) => {
        const [line = ''] = request.toString('latin1').split('\r\n', 1);
        asked.push(line);
        if (line.includes('forbidden')) {
          socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
          return;
        }
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        const far = connect(endpoint, '127.0.0.1');
        far.on('error', () => socket.destroy());
        socket.on('close', () => far.destroy());
        socket.pipe(far).pipe(socket);
      });
    });
    const cwd = sceneOf(t, { good: { name: 'localhost', port: 443 }, bad: { name: 'forbidden.example.test', port: 443 } });
    const env = { HTTPS_PROXY: `http://me:s3cret@127.0.0.1:${proxy}` };
    const { code, stdout, stderr } = await portmatrix(t, run, { cwd, env });
    const report = readReport(join(cwd, 'out', 'report.json'));
    assert.deepEqual(verdicts(report), { good: 'pass', bad: 'fail proxy-refused' });
    assert.equal(code, 1, stderr);
    assert.deepEqual(asked.toSorted(), ['CONNECT forbidden.example.test:443 HTTP/1.1', 'CONNECT localhost:443 HTTP/1.1']);
    assert.match(stdout, new RegExp(`The proxy 127\\.0\\.0\\.1:${proxy} did not open the way: it forbids this destination \\(403\\)`));
    assert.doesNotMatch(JSON.stringify(report) + stdout + stderr, /s3cret/);

    const exempt = await portmatrix(t, [...run, '--rule', 'good'], { cwd, env: { ...env, NO_PROXY: 'localhost' } });
    assert.equal(exempt.code, 1, 'port 443 of this host is not the endpoint');
    assert.equal(asked.length, 2);
  });

  it('are in the plan with what is left out and why, and nothing is sent for that', async (t) => {
    const cwd = sceneOf(t, { ssm: { name: 'ssm.{region}.invalid', port: 443 } }, [
      node1,
      { ...node1, name: 'node2', address: '127.0.0.8', region: undefined },
    ]);
    const { code, stdout } = await portmatrix(t, ['plan', '-i', 'inventory.yaml', '-m', 'mine.yaml'], { cwd });
    assert.equal(code, 0);
    assert.match(stdout, /^node1 127\.0\.0\.9 -> ssm\.eu-central-1\.invalid: 1 checks?\n/);
    assert.match(stdout, /left out: this host has no region, which the name holds/);
  });

  it('of the published matrices are taken where the inventory has their role', async (t) => {
    const host = { ...node1, roles: ['managed-node', 'workstation'] };
    const cwd = folderWith(t, { 'inventory.yaml': JSON.stringify({ hosts: [host] }) });
    const { code, stdout } = await portmatrix(t, ['plan', '-i', 'inventory.yaml', '--format', 'json'], { cwd });
    assert.equal(code, 0);
    assert.match(stdout, /"ssm-endpoints\/ssmmessages\/node1->ssmmessages\.eu-central-1\.amazonaws\.com:443\/tcp"/);
    assert.match(stdout, /"signin-endpoints\/oidc\/node1->oidc\.eu-central-1\.amazonaws\.com:443\/tcp"/);
  });
});

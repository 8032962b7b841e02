import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { portmatrix } from '../support/binary.ts';
import { makeIdentity } from '../support/certificate.ts';
import { serveTcp } from '../support/loopback.ts';
import { accept } from '../support/peers.ts';
import { services } from '../support/speakers.ts';
import { readReport } from '../../src/report-file.ts';
import { folderWith } from '../support/temporary-folder.ts';

const mistakes = {
  'no domain': { words: [], says: /--domain is missing/ },
  'a domain that is none': { words: ['--domain', 'corp..example'], says: /--domain "corp\.\.example" is not a DNS name/ },
  'a purpose that is not there': {
    words: ['--domain', 'a.test', '--purpose', 'divorce'],
    says: /--purpose is "divorce", expected one of "join-windows"/,
  },
  'a trust with nobody': { words: ['--domain', 'a.test', '--purpose', 'trust'], says: /--trusted-domain is missing: expected the DNS name/ },
  'a trust with oneself': {
    words: ['--domain', 'a.test', '--purpose', 'trust', '--trusted-domain', 'A.test.'],
    says: /--trusted-domain "A\.test\." is the domain itself/,
  },
  'a trusted domain for a join': {
    words: ['--domain', 'a.test', '--purpose', 'join-linux', '--trusted-domain', 'b.test'],
    says: /--trusted-domain "b\.test" is of no use with --purpose join-linux/,
  },
  'a Region for a join': { words: ['--domain', 'a.test', '--region', 'eu-central-1'], says: /--region "eu-central-1" is of no use with --purpose/ },
  'Systems Manager without a Region': {
    words: ['--purpose', 'ssm'],
    says: /--region is missing: expected an AWS Region, like eu-central-1, here or in AWS_REGION/,
  },
  'a Region that is none': { words: ['--purpose', 'ssm', '--region', 'Frankfurt'], says: /--region "Frankfurt" is not an AWS Region/ },
  'a domain for Systems Manager': {
    words: ['--purpose', 'ssm', '--region', 'eu-central-1', '--domain', 'a.test'],
    says: /--domain is of no use with --purpose ssm/,
  },
  'a DC without an address': { words: ['--domain', 'a.test', '--dc', 'dc1'], says: /--dc "dc1" is not a DC: expected its name and address/ },
  'a DC at no address': { words: ['--domain', 'a.test', '--dc', 'dc1=dc1.a.test'], says: /--dc "dc1\.a\.test" is not an address/ },
  'a resolver by name': { words: ['--domain', 'a.test', '--dns-server', 'ns1'], says: /--dns-server "ns1" is not an address/ },
} as const;

for (const [name, { words, says }] of Object.entries(mistakes)) {
  test(`${name} is wrong usage: exit 2, and nothing is written`, async (t) => {
    const cwd = folderWith(t, {});
    const { code, stderr, stdout } = await portmatrix(t, ['preflight', ...words], { cwd });
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.ok(!existsSync(join(cwd, 'reports')));
  });
}

// Nobody serves DNS at that address of the loopback interface, wherever this runs.
const unserved = ['--domain', 'corp.example.test', '--dns-server', '127.0.0.253', '--dns-server', '127.0.0.254'];

test('a host whose resolvers refuse is told NO-GO, why, and what a join would say', async (t) => {
  const cwd = folderWith(t, {});
  const { code, stdout } = await portmatrix(t, ['preflight', ...unserved, '--purpose', 'join-windows', '--out', 'out'], { cwd });
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^NO-GO {2}for a domain join from Windows, corp\.example\.test\n +Likely error of a real join: 0x54B /);
  assert.match(stdout, /127\.0\.0\.253 refuses/);
  assert.match(stdout, /24 checks of each DC skipped because DNS named no DC/);
  assert.equal(readReport(join(cwd, 'out', 'report.json')).preflight?.decision, 'no-go');
});

test('a DC that is named is asked on every port although DNS is down', async (t) => {
  const cwd = folderWith(t, {});
  const words = [...unserved, '--purpose', 'join-linux', '--dc', 'dc1=127.0.0.252', '--format', 'json', '--out', 'out'];
  const { code, stdout } = await portmatrix(t, ['preflight', ...words], { cwd });
  assert.equal(code, 1);
  const report = readReport(join(cwd, 'out', 'report.json'));
  assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(report)));
  assert.equal(report.results.filter(({ check, outcome }) => check.matrix !== 'control' && outcome?.kind === 'observed').length, 15);
  assert.deepEqual(report.preflight?.skipped, [{ because: 'endpoint-mapper', checks: 4 }]);
  assert.deepEqual(report.preflight.predictions, [{ step: 'dns', code: 'adcli' }]);
});

test('a Region in the environment is checked as one on the command line is', async (t) => {
  const { code, stderr } = await portmatrix(t, ['preflight', '--purpose', 'ssm'], { cwd: folderWith(t, {}), env: { AWS_REGION: 'moon' } });
  assert.equal(code, 2);
  assert.match(stderr, /AWS_REGION "moon" is not an AWS Region/);
});

const endpoint = services.https.tcp ?? assert.fail();
const authority = makeIdentity('*.eu-central-1.amazonaws.com');

/** Asks for a Region's endpoints through a proxy that has one server for all of them, and forbids the names in `forbidden`. */
async function throughProxy(t: TestContext, forbidden: readonly string[]) {
  const server = await serveTcp(t, (socket) =>
    accept(socket, endpoint, authority, (request, stream) => void stream.write(endpoint.speak(request, 443) ?? '')),
  );
  const proxy = await serveTcp(t, (socket) => {
    socket.once('data', (request) => {
      const [, name = ''] = /^CONNECT ([^:]+):443 /.exec(request.toString('latin1')) ?? [];
      if (forbidden.some((service) => name.startsWith(`${service}.`))) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      const far = connect(server, '127.0.0.1');
      far.on('error', () => socket.destroy());
      socket.on('close', () => far.destroy());
      socket.pipe(far).pipe(socket);
    });
  });
  const cwd = folderWith(t, { 'ca.pem': authority.cert });
  const env = { AWS_DEFAULT_REGION: 'eu-central-1', HTTPS_PROXY: `http://127.0.0.1:${proxy}`, NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') };
  const ended = await portmatrix(t, ['preflight', '--purpose', 'ssm', '--out', 'out'], { cwd, env });
  return { ...ended, proxy, report: readReport(join(cwd, 'out', 'report.json')) };
}

test('a host whose proxy opens the way to every endpoint of Systems Manager is told GO, and which way that was', async (t) => {
  const { code, stdout, proxy, report } = await throughProxy(t, []);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^GO {2}for Systems Manager, eu-central-1\n/);
  assert.match(stdout, new RegExp(`way +through the proxy 127\\.0\\.0\\.1:${proxy}, as the environment of this process says`));
  assert.match(stdout, /ready +7 of 7 endpoints\n/);
  assert.deepEqual(report.preflight?.endpoints?.proxies, [`127.0.0.1:${proxy}`]);
});

test('an optional endpoint that the proxy forbids makes it a GO with warnings', async (t) => {
  const { code, stdout } = await throughProxy(t, ['s3']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^GO with warnings {2}for Systems Manager, eu-central-1\n/);
  assert.match(stdout, /s3\.eu-central-1\.amazonaws\.com \(optional\) {2}not ready: proxy-refused/);
});

test('a required endpoint that the proxy forbids is a NO-GO, with what the SSM Agent would say', async (t) => {
  const { code, stdout, report } = await throughProxy(t, ['ssmmessages']);
  assert.equal(code, 1, stdout);
  assert.match(
    stdout,
    /^NO-GO {2}for Systems Manager, eu-central-1\n +Likely error in the log of the SSM Agent: "RequestError: send request failed", caused by:/,
  );
  assert.match(stdout, /ssmmessages\.eu-central-1\.amazonaws\.com {2}not ready: proxy-refused/);
  assert.deepEqual(report.preflight?.predictions, [{ step: 'proxy-refused', code: 'ssm-agent' }]);
});

test('the help of preflight has examples and its exit codes', async (t) => {
  const { code, stdout } = await portmatrix(t, ['preflight', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /Examples:[\s\S]*--dc\s[\s\S]*Exit codes: 0 GO/);
});

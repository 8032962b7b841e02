import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { portmatrix } from '../support/binary.ts';
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
  assert.equal(report.results.filter(({ outcome }) => outcome?.kind === 'observed').length, 15);
  assert.deepEqual(report.preflight?.skipped, [{ because: 'endpoint-mapper', checks: 4 }]);
  assert.deepEqual(report.preflight.predictions, [{ step: 'dns', code: 'adcli' }]);
});

test('the help of preflight has examples and its exit codes', async (t) => {
  const { code, stdout } = await portmatrix(t, ['preflight', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /Examples:[\s\S]*--dc\s[\s\S]*Exit codes: 0 GO/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Conclusion, Purpose } from '../../src/preflight/conclusion.ts';
import { readReport } from '../../src/report-file.ts';
import { attempt } from './command.ts';
import { applyFirewall, type FirewallRule } from './firewall.ts';
import { borrowForest } from './forest.ts';
import { startLyingResolver } from './lying-resolver.ts';
import { installLabPackages } from './packages.ts';
import { DCS, type DcName, DOMAIN, HOSTS, inNetns } from './topology.ts';

const { installed, reason } = installLabPackages();

/** What a preflight from the client must conclude. */
interface Expected {
  readonly decision: Conclusion['decision'];
  readonly predicted?: readonly string[];
  /** `rule: checks`. */
  readonly skipped?: readonly string[];
}

interface Scenario {
  readonly name: string;
  readonly rules: readonly FirewallRule[];
  readonly words?: readonly string[];
  readonly windows: Expected;
  readonly linux: Expected;
}

function drop(transport: 'tcp' | 'udp', ports: string, dcs: readonly DcName[] = DCS): readonly FirewallRule[] {
  return dcs.map((destination) => ({ source: 'client', destination, transport, ports, action: 'drop' }));
}

function kill(...dcs: readonly DcName[]): readonly FirewallRule[] {
  return [...drop('tcp', '1-65535', dcs), ...drop('udp', '1-65535', dcs)];
}

const { dc1, dc2 } = HOSTS;
const withDcs = ['--dc', `dc1=${dc1.address}`, '--dc', `dc2.${DOMAIN}=${dc2.address}`];
/** Each DC has an IPv4 and an IPv6 address, and each address is asked for four RPC interfaces. */
const interfaces = 4;

const scenarios: readonly Scenario[] = [
  { name: 'all open', rules: [], windows: { decision: 'go' }, linux: { decision: 'go' } },
  {
    name: 'UDP 53 dropped',
    rules: drop('udp', '53'),
    windows: { decision: 'no-go', predicted: ['dns 0x54B'], skipped: ['dns: 24 per DC'] },
    linux: { decision: 'no-go', predicted: ['dns adcli'], skipped: ['dns: 24 per DC'] },
  },
  {
    name: 'UDP 53 dropped, and the DCs named',
    rules: drop('udp', '53'),
    words: withDcs,
    windows: { decision: 'no-go', predicted: ['dns 0x54B'] },
    linux: { decision: 'no-go', predicted: ['dns adcli'] },
  },
  {
    name: '88 dropped',
    rules: [...drop('tcp', '88'), ...drop('udp', '88')],
    windows: { decision: 'no-go', predicted: ['kerberos 0x40'] },
    linux: { decision: 'no-go', predicted: ['kerberos adcli'] },
  },
  {
    name: '135 dropped',
    rules: drop('tcp', '135'),
    windows: { decision: 'no-go', predicted: ['endpoint-mapper 0x6BA'], skipped: [`endpoint-mapper: ${2 * 2 * interfaces}`] },
    linux: { decision: 'go-with-warnings', skipped: [`endpoint-mapper: ${2 * 2 * interfaces}`] },
  },
  {
    name: '135 open, the dynamic range dropped',
    rules: drop('tcp', '49152-65535'),
    windows: { decision: 'no-go', predicted: ['rpc 0x6D9'] },
    linux: { decision: 'go-with-warnings' },
  },
  {
    name: 'only UDP 389 dropped',
    rules: drop('udp', '389'),
    windows: { decision: 'no-go', predicted: ['locator 0x54B'] },
    linux: { decision: 'no-go', predicted: ['locator adcli'] },
  },
  {
    name: 'TCP 389 dropped on the one, 445 on the other',
    rules: [...drop('tcp', '389', ['dc1']), ...drop('tcp', '445', ['dc2'])],
    windows: { decision: 'no-go', predicted: ['ldap 0x3A', 'smb 0x35'] },
    linux: { decision: 'go-with-warnings' },
  },
  {
    name: '464 dropped',
    rules: [...drop('tcp', '464'), ...drop('udp', '464')],
    windows: { decision: 'go-with-warnings' },
    linux: { decision: 'no-go', predicted: ['kpasswd adcli'] },
  },
  {
    name: 'one DC dead',
    rules: kill('dc2'),
    windows: { decision: 'go-with-warnings', skipped: [`endpoint-mapper: ${2 * interfaces}`] },
    linux: { decision: 'go-with-warnings', skipped: [`endpoint-mapper: ${2 * interfaces}`] },
  },
  {
    name: 'the first resolver dead',
    rules: kill('dc1'),
    windows: { decision: 'go-with-warnings', skipped: [`endpoint-mapper: ${2 * interfaces}`] },
    linux: { decision: 'go-with-warnings', skipped: [`endpoint-mapper: ${2 * interfaces}`] },
  },
  {
    name: 'both dead',
    rules: kill('dc1', 'dc2'),
    windows: { decision: 'no-go', predicted: ['dns 0x54B'], skipped: ['dns: 24 per DC'] },
    linux: { decision: 'no-go', predicted: ['dns adcli'], skipped: ['dns: 24 per DC'] },
  },
];

describe('a preflight from the client concludes what a join would meet', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let release = async (): Promise<void> => {};
  before(async () => ({ release } = await borrowForest()));
  after(async () => release());

  for (const { name, rules, words = [], windows, linux } of scenarios) {
    test(name, async () => {
      await applyFirewall(rules);
      await Promise.all([conclude('join-windows', words, windows), conclude('join-linux', words, linux)]);
    });
  }

  test('a resolver that lies decides when it is the first, and is a warning when it is not', async () => {
    await applyFirewall([]);
    const liar = await startLyingResolver('client');
    try {
      const first = ['--dns-server', liar.address, '--dns-server', dc1.address];
      const last = ['--dns-server', dc1.address, '--dns-server', liar.address];
      const lies = await Promise.all([
        conclude('join-windows', first, { decision: 'no-go', predicted: ['srv 0x232B'] }),
        conclude('join-linux', first, { decision: 'no-go', predicted: ['srv adcli'] }),
        conclude('join-windows', last, { decision: 'go-with-warnings' }),
        conclude('join-linux', last, { decision: 'go-with-warnings' }),
      ]);
      for (const { findings } of lies) assert.deepEqual(findings.map(({ code }) => code).toSorted(), ['no-srv', 'resolvers-disagree']);
    } finally {
      await liar.stop();
    }
  });

  test('a domain that nobody has is no-go, and nothing but DNS is asked', async () => {
    await applyFirewall([]);
    await conclude('join-windows', [], { decision: 'no-go', predicted: ['srv 0x232B'], skipped: ['dns: 24 per DC'] }, `nowhere.${DOMAIN}`);
  });
});

async function conclude(purpose: Purpose, words: readonly string[], expected: Expected, domain = DOMAIN): Promise<Conclusion> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
  try {
    const command = [...inNetns(HOSTS.client.netns), process.execPath, 'src/bin.cjs', 'preflight'];
    const { code, stdout, stderr } = await attempt([...command, '--domain', domain, '--purpose', purpose, '--out', folder, ...words]);
    assert.ok(code === 0 || code === 1 || code === 3, `exit code ${code}: ${stderr}`);
    const { preflight } = readReport(join(folder, 'report.json'));
    assert.ok(preflight !== undefined, stderr);
    const skipped = preflight.skipped.map(({ because, checks, perDc }) => `${because}: ${checks}${perDc === true ? ' per DC' : ''}`);
    const predicted = preflight.predictions.map((prediction) => `${prediction.step} ${prediction.code}`);
    assert.deepEqual(
      { decision: preflight.decision, predicted, skipped, code },
      {
        decision: expected.decision,
        predicted: expected.predicted ?? [],
        skipped: expected.skipped ?? [],
        code: expected.decision === 'no-go' ? 1 : 0,
      },
      stdout,
    );
    assert.match(readFileSync(join(folder, 'junit.xml'), 'utf8'), /<testsuite name="preflight" tests="1"/);
    return preflight;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

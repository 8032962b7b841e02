import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Report } from '../../src/report.ts';
import { wordsOf } from './cells.ts';
import { type Action, applyFirewall, clearFirewall, type FirewallRule } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { listenOn } from './listener.ts';
import { installLabPackages } from './packages.ts';
import { type Family, inventoryText, runWithControl } from './product.ts';

const { installed, reason } = installLabPackages();

const shut = ['3389', '5985', '5986', '139'];
const alive = 'open syn-ack identified -> pass';
const control = { quiet: 'closed conn-refused -> pass', answering: 'open syn-ack -> warn accept-all' } as const;
const blocked = (seen: string): string => `${seen} -> pass`;
const refused = 'closed conn-refused -> warn reached-host';
const got = 'open syn-ack -> fail forbidden-open';
const undecided = 'filtered no-response -> inconclusive no-control';
const unreachable = 'filtered host-unreach -> inconclusive rejected';

const rule = (ports: string, action: Action): FirewallRule => ({ source: 'client', destination: 'dc1', transport: 'tcp', ports, action });
const each = (action: Action): readonly FirewallRule[] => shut.map((port) => rule(port, action));

/** What hardening shows of one state of a DC and its firewall, by rule. */
function rows(of: Readonly<Record<'alive' | 'management' | '139' | 'control', string>>): Readonly<Record<string, string>> {
  return {
    'alive 389/tcp': of.alive,
    'rdp 3389/tcp': of.management,
    'winrm 5985/tcp': of.management,
    'winrm-tls 5986/tcp': of.management,
    'netbios-session 139/tcp': of['139'],
    'unassigned-port 40/tcp': of.control,
  };
}

describe('what must not reach a DC', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => ({ forest, release } = await borrowForest()));
  after(async () => release());

  for (const family of [4, 6] as const) {
    // Over IPv4 the kernel says of a prohibition what it says of a missing host, which proves no block.
    const prohibited = family === 4 ? unreachable : blocked('filtered admin-prohibited');
    const cases: readonly (readonly [name: string, firewall: readonly FirewallRule[], status: number, shows: ReturnType<typeof rows>])[] = [
      [
        'passes where a firewall drops it and the DC is alive',
        each('drop'),
        0,
        rows({ alive, management: blocked('filtered no-response'), 139: blocked('filtered no-response'), control: control.quiet }),
      ],
      [
        family === 4 ? 'is undecided where a firewall rejects it in words of a missing host' : 'passes where a firewall rejects it with ICMP',
        each('admin-prohibited'),
        family === 4 ? 3 : 0,
        rows({ alive, management: prohibited, 139: prohibited, control: control.quiet }),
      ],
      [
        'warns where a firewall refuses in the name of the DC, because the DC itself would look the same',
        each('reset'),
        0,
        rows({ alive, management: refused, 139: 'closed conn-refused -> pass', control: control.quiet }),
      ],
      [
        'warns where only the service is off, and fails where Samba serves NetBIOS',
        [],
        1,
        rows({ alive, management: refused, 139: got, control: control.quiet }),
      ],
      [
        'is undecided where the DC gives no sign of life',
        [rule('1-65535', 'drop')],
        3,
        rows({
          alive: 'filtered no-response -> warn no-answer',
          management: undecided,
          139: undecided,
          control: 'filtered no-response -> warn no-control',
        }),
      ],
    ];
    for (const [name, firewall, status, shows] of cases) {
      test(`over IPv${family} ${name}`, async () => {
        await applyFirewall(firewall);
        const ran = await hardened(family);
        assert.deepEqual([table(ran.report), ran.status], [shows, status]);
      });
    }

    test(`over IPv${family} is undecided where the DC is off: nobody has its address`, async () => {
      await clearFirewall();
      const nobody = { dc1: { address: family === 4 ? '10.99.1.99' : 'fd99:1::99' } };
      const ran = await hardened(family, nobody);
      assert.equal(ran.status, 3);
      // The router may have found out, and said so, by the time a check ends, or not yet: nothing passes either way.
      const said = {
        required: [unreachable, undecided],
        alive: ['filtered host-unreach -> warn rejected', 'filtered no-response -> warn no-answer'],
      };
      for (const [row, seen] of Object.entries(table(ran.report))) {
        if (row.startsWith('unassigned-port')) assert.match(seen, /^filtered (host-unreach -> warn rejected|no-response -> warn no-control)$/);
        else assert.ok((row.startsWith('alive') ? said.alive : said.required).includes(seen), `${row}: ${seen}`);
      }
      assert.equal(Object.keys(table(ran.report)).length, shut.length + 2);
    });

    test(`over IPv${family} fails where somebody listens`, async () => {
      await clearFirewall();
      const { stop } = await listenOn('dc1', [3389, 5985, 5986]);
      try {
        const ran = await hardened(family);
        assert.deepEqual([table(ran.report), ran.status], [rows({ alive, management: got, 139: got, control: control.quiet }), 1]);
      } finally {
        await stop();
      }
    });

    test(`over IPv${family} is undecided where something completes every handshake in the place of the DC`, async () => {
      const { stop } = await listenOn('bastion', [40, ...shut.map(Number)]);
      try {
        // A proxy of handshakes lets through what is permitted.
        const between = { source: 'client', destination: 'dc1', to: 'bastion' } as const;
        await applyFirewall(
          [],
          [
            { ...between, tcpPorts: '1-388' },
            { ...between, tcpPorts: '390-65535' },
          ],
        );
        const ran = await hardened(family);
        const accepted = 'open syn-ack -> inconclusive accept-all';
        assert.deepEqual([table(ran.report), ran.status], [rows({ alive, management: accepted, 139: accepted, control: control.answering }), 3]);
      } finally {
        await stop();
      }
    });
  }

  test('without a rule that shows the DC alive, silence is undecided, and so is word that nobody is there', async () => {
    const matrix = JSON.stringify({
      matrix: 'shut',
      from: 'client',
      to: 'dc',
      rules: [{ id: 'rdp', ports: ['3389/tcp'], probe: 'tcp', expect: ['filtered'] }],
    });
    const asked = async (extra: Parameters<typeof inventoryText>[2]): Promise<string | undefined> => {
      const { report } = await runWithControl(inventoryText(forest.caFile, 4, extra), matrix, ['--source', 'client', '--destination', 'dc1']);
      return table(report)['rdp 3389/tcp'];
    };
    await applyFirewall([rule('1-65535', 'drop')]);
    assert.equal(await asked({}), 'filtered no-response -> inconclusive no-control');
    await clearFirewall();
    assert.equal(await asked({ dc1: { address: '10.99.1.99' } }), 'filtered host-unreach -> inconclusive rejected');
  });

  function hardened(family: Family, extra: Parameters<typeof inventoryText>[2] = {}): ReturnType<typeof runWithControl> {
    const words = ['-m', 'hardening', '--source', 'client', '--destination', 'dc1'];
    return runWithControl(inventoryText(forest.caFile, family, extra), undefined, words);
  }
});

function table({ results }: Report): Record<string, string> {
  return Object.fromEntries(
    results.map(({ check, outcome, verdict }) => [
      `${check.rule} ${check.port}/${check.transport}`,
      `${wordsOf(outcome)} -> ${[verdict.status, verdict.finding?.code].filter((word) => word !== undefined).join(' ')}`,
    ]),
  );
}

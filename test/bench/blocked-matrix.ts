import type { Action, FirewallRule } from '../lab/firewall.ts';
import { borrowLab, describe } from './lab.ts';
import { median } from './repeat.ts';
import type { Row } from './row.ts';

const deadlineMs = 5_000;
const rounds = 3;

/** Three TCP ports dropped, three rejected, two UDP ports dropped, and what each must be told as. */
const blocked: readonly (readonly [rule: string, transport: 'tcp' | 'udp', ports: string, action: Action, finding: string])[] = [
  ['ldap', 'tcp', '389', 'drop', 'no-answer'],
  ['smb', 'tcp', '445', 'drop', 'no-answer'],
  ['global-catalog', 'tcp', '3268', 'drop', 'no-answer'],
  ['ldaps', 'tcp', '636', 'reset', 'refused'],
  ['global-catalog-tls', 'tcp', '3269', 'admin-prohibited', 'rejected'],
  ['endpoint-mapper', 'tcp', '135', 'port-unreach', 'refused'],
  ['kerberos-udp', 'udp', '88', 'drop', 'no-answer'],
  ['locator', 'udp', '389', 'drop', 'no-answer'],
];
/** Without the endpoint mapper nobody can ask for RPC services, nor for large answers where small ones are lost; the rest as where nothing is blocked. */
const otherwise: Readonly<Record<string, string>> = {
  'rpc-dynamic': 'skip',
  'locator-1232': 'skip',
  'kerberos-udp-1452': 'skip',
  'kerberos-udp-2000': 'skip',
  'ldap-4000': 'skip',
  'ldap-reply': 'skip',
  adws: 'warn',
  'smb-quic': 'skip',
};

/** Row 4: the client matrix against two DCs behind a firewall, with defaults; the whole program. */
export async function blockedMatrix(): Promise<readonly Row[]> {
  const { scene, setFirewall, release } = await borrowLab();
  try {
    const rules = (['dc1', 'dc2'] as const).flatMap((destination) =>
      blocked.map(([, transport, ports, action]): FirewallRule => ({ source: 'client', destination, transport, ports, action })),
    );
    await setFirewall(rules);
    const expected = new Map(blocked.map(([rule, , , , finding]) => [rule, finding]));
    const walls: number[] = [];
    let wrong = 0;
    for (let round = 0; round < rounds; round += 1) {
      const { wallMs, report } = await scene.run();
      walls.push(wallMs / 1_000);
      for (const result of report.results) {
        const { check, verdict } = result;
        const finding = expected.get(check.rule);
        const isRight =
          finding === undefined
            ? verdict.status === (otherwise[check.rule] ?? 'pass')
            : verdict.status === 'fail' && verdict.finding?.code === finding;
        if (isRight) continue;
        wrong += 1;
        console.error(`row 4: ${describe(result)}`);
      }
    }
    return [
      {
        what: '4. client matrix to two DCs, eight ports of each blocked, whole run',
        unit: 's',
        budget: deadlineMs / 1_000 + 1,
        measured: median(walls),
      },
      { what: '4. wrong verdicts', unit: 'verdicts', budget: 0, measured: wrong },
    ];
  } finally {
    await release();
  }
}

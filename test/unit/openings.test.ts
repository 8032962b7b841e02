import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { networkAcl } from '../../src/reporters/openings/network-acl.ts';
import { nftables } from '../../src/reporters/openings/nftables.ts';
import { openings } from '../../src/reporters/openings/openings.ts';
import { type Passage, placeholders } from '../../src/reporters/openings/passage.ts';
import { returnRanges } from '../../src/reporters/openings/return-range.ts';
import { securityGroup } from '../../src/reporters/openings/security-group.ts';
import { windowsFirewall } from '../../src/reporters/openings/windows-firewall.ts';

const tcp = (first: number, last = first) => ({ first, last, transport: 'tcp' }) as const;
const udp = (first: number, last = first) => ({ first, last, transport: 'udp' }) as const;

const ldap: Passage = { name: 'client-to-dc/ldap', source: '10.0.3.21', destination: '10.0.1.11', ports: [tcp(389)], system: 'windows' };
const overIpv6: Passage = { ...ldap, source: 'fd00:3::21', destination: 'fd00:1::11', system: 'linux' };
const range: Passage = { ...ldap, name: 'dc-to-dc/both', ports: [tcp(135), tcp(49_152, 65_535), udp(88)], system: 'linux' };

describe('a passage through a security group', () => {
  const cases: readonly (readonly [name: string, passage: Passage, permissions: string])[] = [
    [
      'is one rule on the group of the destination',
      ldap,
      "'IpProtocol=tcp,FromPort=389,ToPort=389,IpRanges=[{CidrIp=10.0.3.21/32,Description=client-to-dc/ldap}]'",
    ],
    [
      'has a network of one over IPv6',
      overIpv6,
      "'IpProtocol=tcp,FromPort=389,ToPort=389,Ipv6Ranges=[{CidrIpv6=fd00:3::21/128,Description=client-to-dc/ldap}]'",
    ],
    [
      'has a permission for each range',
      range,
      [
        "'IpProtocol=tcp,FromPort=135,ToPort=135,IpRanges=[{CidrIp=10.0.3.21/32,Description=dc-to-dc/both}]'",
        "'IpProtocol=tcp,FromPort=49152,ToPort=65535,IpRanges=[{CidrIp=10.0.3.21/32,Description=dc-to-dc/both}]'",
        "'IpProtocol=udp,FromPort=88,ToPort=88,IpRanges=[{CidrIp=10.0.3.21/32,Description=dc-to-dc/both}]'",
      ].join(' '),
    ],
  ];
  for (const [name, passage, permissions] of cases) {
    it(name, () =>
      assert.deepEqual(securityGroup(passage).commands, [
        `aws ec2 authorize-security-group-ingress --group-id sg-DESTINATION --ip-permissions ${permissions}`,
      ]),
    );
  }
});

describe('a passage through network ACLs', () => {
  it('has the request and its replies on the ACLs of both subnets', () => {
    const { commands, where } = networkAcl(ldap);
    const entry = (acl: string, way: string, ports: string, peer: string): string =>
      `aws ec2 create-network-acl-entry --network-acl-id ${acl} --${way} --rule-number N --protocol tcp --port-range ${ports} --cidr-block ${peer}/32 --rule-action allow`;
    assert.deepEqual(commands, [
      entry('acl-DESTINATION', 'ingress', 'From=389,To=389', '10.0.3.21'),
      entry('acl-DESTINATION', 'egress', 'From=49152,To=65535', '10.0.3.21'),
      entry('acl-SOURCE', 'egress', 'From=389,To=389', '10.0.1.11'),
      entry('acl-SOURCE', 'ingress', 'From=49152,To=65535', '10.0.1.11'),
    ]);
    assert.match(where, /49152-65535, because a Windows source asks from these/);
  });

  it('names networks over IPv6 as the option for them wants', () => {
    for (const command of networkAcl(overIpv6).commands) assert.match(command, / --ipv6-cidr-block fd00:[13]::[12]1\/128 /);
  });

  it('has one entry a transport for the replies of many ranges', () => {
    const replies = networkAcl(range).commands.filter((command) => command.includes('--network-acl-id acl-DESTINATION --egress'));
    assert.deepEqual(
      replies.map((command) => / --protocol (\w+) --port-range (\S+) /.exec(command)?.slice(1).join(' ')),
      ['tcp From=32768,To=60999', 'udp From=32768,To=60999'],
    );
  });

  const returns: readonly (readonly [
    name: string,
    range: Parameters<typeof returnRanges>[0],
    system: Passage['system'],
    ranges: readonly string[],
  ])[] = [
    ['a Windows source asks from the range of IANA', tcp(389), 'windows', ['49152-65535/tcp']],
    ['a Linux source asks from its own range', tcp(389), 'linux', ['32768-60999/tcp']],
    ['an unknown source may ask from either', udp(88), undefined, ['32768-65535/udp']],
    ['a client of time may ask from 123 itself', udp(123), 'windows', ['123-123/udp', '49152-65535/udp']],
    ['NetBIOS asks from its own ports', udp(138), 'linux', ['138-138/udp', '32768-60999/udp']],
    ['over TCP nobody does', tcp(139), 'linux', ['32768-60999/tcp']],
  ];
  for (const [name, asked, system, ranges] of returns) {
    it(name, () =>
      assert.deepEqual(
        returnRanges(asked, system).map(({ first, last, transport }) => `${first}-${last}/${transport}`),
        ranges,
      ),
    );
  }
});

describe('a passage through nftables', () => {
  const established = 'nft add rule inet filter forward ct state established,related accept';
  it('is what is established, and a rule for each range', () => {
    const flow = 'nft add rule inet filter forward ip saddr 10.0.3.21 ip daddr 10.0.1.11';
    assert.deepEqual(nftables(range).commands, [
      established,
      `${flow} tcp dport 135 ct state new accept`,
      `${flow} tcp dport 49152-65535 ct state new accept`,
      `${flow} udp dport 88 ct state new accept`,
    ]);
    assert.deepEqual(nftables(overIpv6).commands, [
      established,
      'nft add rule inet filter forward ip6 saddr fd00:3::21 ip6 daddr fd00:1::11 tcp dport 389 ct state new accept',
    ]);
  });

  const isChecked = process.getuid?.() === 0 && spawnSync('nft', ['--version']).status === 0;
  it('is what nft takes', { skip: isChecked ? false : 'needs root and nft' }, () => {
    const rules = [ldap, overIpv6, range].flatMap((passage) => nftables(passage).commands).map((command) => command.replace(/^nft /, ''));
    const script = ['add table inet filter', 'add chain inet filter forward', ...rules, ''].join('\n');
    const { status, stderr } = spawnSync('nft', ['-c', '-f', '-'], { input: script, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('a passage through the Windows Firewall', () => {
  it('is one inbound rule a transport on the destination', () => {
    const rule = (transport: string, ports: string): string =>
      `New-NetFirewallRule -DisplayName 'dc-to-dc/both ${transport}' -Direction Inbound -Action Allow -Protocol ${transport} -LocalPort ${ports} -RemoteAddress 10.0.3.21`;
    assert.deepEqual(windowsFirewall(range).commands, [rule('TCP', '135,49152-65535'), rule('UDP', '88')]);
  });
});

describe('the openings of a passage', () => {
  it('hold no line break, and where nothing is known words in capitals to be replaced', () => {
    for (const { commands } of openings({ ...ldap, ...placeholders })) {
      for (const command of commands) {
        assert.doesNotMatch(command, /[\n<>;|`$]/);
        assert.match(command, /SOURCE-ADDRESS|DESTINATION-ADDRESS|established/);
      }
    }
  });
});

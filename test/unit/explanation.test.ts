import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { probes } from '../../agent/contract/probe.ts';
import { findMatrix, type Matrix, publishedMatrices } from '../../src/matrix.ts';
import { explanation } from '../../src/reporters/explanation.ts';
import { byHand } from '../../src/reporters/explanation-wording.ts';
import { questions } from '../../src/reporters/question-wording.ts';
import type { Presentation } from '../../src/reporters/reporter.ts';
import { type Edition, subjectsOf } from '../../src/subject.ts';
import { UsageError } from '../../src/usage-error.ts';

const editionOf = (name: string): Edition => ({
  corrected: findMatrix(name, { cwd: '.', asPublished: false }),
  published: findMatrix(name, { cwd: '.', asPublished: true }),
});
const tables = ['dc-to-dc', 'client-to-dc', 'bastion-to-dc'].map(editionOf);

/** The text about a subject, with its line breaks taken out. */
function told(text: string, editions = tables, presentation: Presentation = {}): string {
  return [...explanation(subjectsOf(text, editions), presentation)].join('').replaceAll(/\s+/g, ' ');
}

describe('what is explained', () => {
  const subjects: Readonly<Record<string, readonly string[]>> = {
    '389': ['dc-to-dc/locator 389/udp', 'dc-to-dc/ldap 389/tcp', 'client-to-dc/locator 389/udp', 'client-to-dc/ldap 389/tcp'],
    '389/udp': ['dc-to-dc/locator 389/udp', 'client-to-dc/locator 389/udp'],
    '53/udp': ['dc-to-dc/dns 53/udp', 'client-to-dc/dns-udp 53/udp'],
    '50000/tcp': ['dc-to-dc/rpc-dynamic 49152-65535/tcp', 'client-to-dc/rpc-dynamic 49152-65535/tcp'],
    ldap: ['dc-to-dc/ldap 389/tcp', 'client-to-dc/ldap 389/tcp'],
    'client-to-dc/ldap': ['client-to-dc/ldap 389/tcp'],
    'client-to-dc/ldap/client1->dc1:389/tcp': ['client-to-dc/ldap 389/tcp client1>dc1'],
    'dc-to-dc/dns/dc1->dc2.corp.example.com:53/udp': ['dc-to-dc/dns 53/udp dc1>dc2.corp.example.com'],
    'client-to-dc/rpc-dynamic/c1->dc1:49152-65535/tcp#netlogon': ['client-to-dc/rpc-dynamic 49152-65535/tcp c1>dc1 netlogon'],
    'bastion-to-dc/winrm-tls/b1->dc1:5985/tcp': ['bastion-to-dc/winrm-tls 5985/tcp b1>dc1'],
    'client-to-dc/rpc-dynamic/c1->dc1:49152/tcp': ['client-to-dc/rpc-dynamic 49152/tcp c1>dc1'],
  };
  for (const [text, expected] of Object.entries(subjects)) {
    it(`"${text}" stands for ${expected.length} of the published rules`, () => {
      const found = subjectsOf(text, tables).map(({ matrix, rule, ports, between, interface: name }) =>
        [
          `${matrix.name}/${rule.id}`,
          ports.map(({ first, last, transport }) => `${first === last ? first : `${first}-${last}`}/${transport}`).join(),
          between === undefined ? '' : `${between.source}>${between.destination}`,
          name ?? '',
        ]
          .join(' ')
          .trim()
          .replaceAll(/ +/g, ' '),
      );
      assert.deepEqual(found, expected);
    });
  }

  const mistakes: Readonly<Record<string, RegExp>> = {
    '390': /no rule asks port "390", expected one of 53\/tcp, 53\/udp, .*49152-65535\/tcp/,
    '389/sctp': /"389\/sctp" is no port: expected a port from 1 to 65535/,
    '70000': /"70000" is no port/,
    ldpa: /nothing "ldpa" to explain \(did you mean "ldap"\?\): expected a port/,
    'client-to-cd/ldap': /did you mean "client-to-dc\/ldap"\?/,
    'client-to-dc': /"client-to-dc" is a whole matrix \(portmatrix matrix show client-to-dc\)/,
    'client-to-dc/ldap/a->b:390/tcp': /client-to-dc\/ldap makes no check "390\/tcp": expected 389\/tcp/,
    'client-to-dc/rpc-dynamic/a->b:49152-65535/tcp#gopher': /makes no check ".*#gopher": .*#netlogon, #samr/,
    'client-to-dc/ldap/a->b': /is no id of a check: expected one like client-to-dc\/ldap\/client1->dc1:389\/tcp/,
    'client-to-dc/ldap/a->b; reboot:389/tcp': /is no id of a check/,
    '': /nothing "" to explain/,
  };
  for (const [text, words] of Object.entries(mistakes)) {
    it(`"${text}" is a mistake that says what was expected`, () => {
      assert.throws(
        () => subjectsOf(text, tables),
        (error) => error instanceof UsageError && words.test(error.message),
      );
    });
  }
});

describe('an explanation', () => {
  it('says of every published rule what is asked, why, what each answer means, what to ask for and how to test it by hand', () => {
    for (const edition of publishedMatrices().map(editionOf)) {
      for (const { id, probe, symptoms, note, expect, traffic } of edition.corrected.rules) {
        const text = told(`${edition.corrected.name}/${id}`, [edition]);
        const allowed = expect.includes('open');
        for (const part of [traffic, questions[probe], 'PASS', allowed ? 'Allow ' : 'Drop ', 'by hand', note ?? ''])
          assert.ok(text.includes(part), `${id}: ${part}`);
        if (allowed) assert.match(text, /FAIL no-answer|WARN no-answer|uninformative/, id);
        assert.ok(symptoms.length === 0 || text.includes(' breaks '), id);
      }
    }
  });

  it('takes the meaning of an answer from the table that judges runs', () => {
    const text = told('client-to-dc/ldap');
    assert.match(text, /open, and the service answers in its protocol: PASS\./);
    assert.match(text, /and nothing more comes: FAIL service-silent\..*But on a platform on which .*: INCONCLUSIVE unproven\./);
    assert.match(told('client-to-dc/kpasswd-udp'), /nothing comes back: INCONCLUSIVE uninformative\./);
    assert.match(told('client-to-dc/adws'), /closed, refused \(conn-refused\): WARN refused\./);
  });

  it('of forbidden traffic says that a block needs a control', () => {
    const [edition] = tables;
    assert.ok(edition !== undefined);
    const forbid = (matrix: Matrix): Matrix => ({ ...matrix, rules: matrix.rules.map((rule) => ({ ...rule, probe: 'tcp', expect: ['filtered'] })) });
    const text = told('dc-to-dc/adws', [{ corrected: forbid(edition.corrected), published: forbid(edition.published) }]);
    assert.match(text, /open: FAIL forbidden-open\./);
    assert.match(text, /filtered, nothing comes back: PASS\. But where nothing else showed the destination alive.*: INCONCLUSIVE no-control\./);
    assert.match(text, /Drop dc:\* → dc:9389\/tcp\./);
  });

  it('of a name that must be shut says that a block needs a witness', () => {
    const text = told('hardening-internet/https', [editionOf('hardening-internet')]);
    assert.match(
      text,
      /closed, refused \(conn-refused\): PASS\. But where no other source got through to the same addresses: INCONCLUSIVE no-control\./,
    );
    assert.match(text, /Drop dc:\* → www\.example\.com:443\/tcp\./);
  });

  it('names the published row beside our correction, and why', () => {
    const text = told('bastion-to-dc/winrm-tls');
    assert.match(text, /row 4 of https:\/\/aws\.amazon\.com/);
    assert.match(text, /published with ports 5985\/tcp, here 5986\/tcp; probe winrm, here winrm-tls; on the way back required, here optional/);
    assert.match(text, /WinRM over HTTPS listens on 5986, 5985 is HTTP \(KB832017\)/);
    assert.doesNotMatch(told('client-to-dc/ldap'), /published with/);
  });

  it('of a check names its hosts, in the sentence for the firewall and in the commands', () => {
    const text = told('dc-to-dc/dns/dc1->dc2:53/udp');
    assert.match(text, /dc1 asks dc2/);
    assert.match(text, /Allow dc1:\* → dc2:53\/udp and the replies/);
    assert.match(text, /dig @dc2 \+norecurse \+notcp SRV/);
  });

  it('says what the question leaves in logs, whom to ask about an answer, and the rules that open the port', () => {
    const text = told('client-to-dc/kerberos');
    assert.match(text, /leaves nothing on Samba; on Windows 4768 with 0x19 only where failures are audited/);
    assert.match(text, /FAIL refused\. [^(]*\(Ask: service, then host firewall, then network\.\)/);
    for (const start of ['aws ec2 authorize-security-group-ingress', 'aws ec2 create-network-acl-entry', 'nft add rule', 'New-NetFirewallRule'])
      assert.ok(text.includes(start), start);
    assert.match(told('dc-to-dc/ldap'), /And the same with source and destination exchanged\./);
  });

  it('of a destination by name names no address, and of forbidden traffic no rule that opens it', () => {
    const endpoint = told('ssm-endpoints/ssm', [editionOf('ssm-endpoints')]);
    assert.match(endpoint, /a managed-node asks ssm\.\{region\}\.amazonaws\.com/);
    assert.match(endpoint, /opens Addresses of a name come and go/);
    assert.doesNotMatch(told('hardening/rdp', [editionOf('hardening')]), /nft add rule|New-NetFirewallRule/);
  });

  it('keeps each command on one line, whatever the width', () => {
    const lines = [...explanation(subjectsOf('client-to-dc/locator', tables), { width: 60 })].join('').split('\n');
    assert.ok(lines.some((line) => line.endsWith("'(&(DnsDomain=corp.example.com)(NtVer=\\06\\00\\00\\00))' netlogon")));
  });

  it('shows nothing of a matrix that a terminal would act on, and only ASCII where that is all there is', () => {
    const [edition] = tables;
    assert.ok(edition !== undefined);
    const hostile = (matrix: Matrix): Matrix => ({
      ...matrix,
      rules: matrix.rules.map((rule) => ({ ...rule, traffic: '\u001b[31mred', note: 'a\u202eb' })),
    });
    const text = told('dc-to-dc/ldap', [{ corrected: hostile(edition.corrected), published: edition.published }], { ascii: true });
    assert.match(text, /^[ -~]*$/);
    assert.match(text, /\\u\{1b\}\[31mred/);
    assert.match(text, /Allow dc:\* -> dc:389\/tcp/);
  });

  it('knows a way by hand for every probe and transport', () => {
    for (const [probe, { transports }] of Object.entries(probes)) {
      for (const transport of transports) {
        const known = Object.keys(probes).find((name): name is keyof typeof probes => name === probe);
        const ways = known === undefined ? [] : byHand(known, { host: 'dc1', domain: 'corp.example.com', port: '1', transport });
        assert.ok(ways.some(([where]) => where === 'Windows') && ways.some(([where]) => where === 'Linux'), probe);
        assert.ok(
          ways.every(([, command]) => command.includes('dc1') || /corp\.example\.com/i.test(command)),
          probe,
        );
      }
    }
  });
});

/** The probes that have no file of their own here, played by hand against captured answers whose ids are patched. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Acceptance, Answer, Dialogue, Question } from '../../agent/net/dialogue.ts';
import { adws } from '../../agent/probes/adws.ts';
import { dns } from '../../agent/probes/dns.ts';
import { epm } from '../../agent/probes/epm.ts';
import { netbios } from '../../agent/probes/netbios.ts';
import { netbiosDatagram } from '../../agent/probes/netbios-datagram.ts';
import { ntp } from '../../agent/probes/ntp.ts';
import { quic } from '../../agent/probes/quic.ts';
import { rdp } from '../../agent/probes/rdp.ts';
import { rpc } from '../../agent/probes/rpc.ts';
import { smb } from '../../agent/probes/smb.ts';
import { captures } from '../support/captures.ts';
import { patched } from '../support/speakers.ts';

const sentMs = Date.UTC(2026, 10, 22, 8);
const bytes = (hex: string) => Buffer.from(hex, 'hex');

function questionOf(fields: Partial<Question> = {}): Question {
  let times = 0;
  let seed = 0;
  return {
    transport: 'tcp',
    port: 0,
    dnsName: 'dc1.corp.example.test',
    known: {},
    form: 0,
    random: (length) => Buffer.alloc(length, (seed += 1)),
    now: () => sentMs + 10 * times++,
    ...fields,
  };
}

/** Plays a dialogue to its end; each speaker turns a request into the bytes of its answer. */
function play(
  dialogue: Dialogue,
  ...speakers: readonly ((request: Buffer) => Buffer)[]
): { readonly answer: Answer; readonly sent: readonly Buffer[] } {
  const sent: Buffer[] = [];
  let turn = dialogue.next();
  for (const speaker of speakers) {
    assert.ok(turn.done !== true && turn.value.kind === 'ask', 'asks no more');
    const request = Buffer.from(turn.value.send);
    sent.push(request);
    assert.deepEqual(turn.value.accept(speaker(request)), { kind: 'accepted' });
    turn = dialogue.next();
  }
  assert.ok(turn.done === true, 'asks once more');
  return { answer: turn.value, sent };
}

/** The facts that a dialogue has gathered before its n-th question. */
function gatheredBefore(dialogue: Dialogue, ...speakers: readonly ((request: Buffer) => Buffer)[]): Facts {
  let turn = dialogue.next();
  for (const speaker of speakers) {
    assert.ok(turn.done !== true && turn.value.kind === 'ask');
    assert.deepEqual(turn.value.accept(speaker(Buffer.from(turn.value.send))), { kind: 'accepted' });
    turn = dialogue.next();
  }
  assert.ok(turn.done !== true && turn.value.kind === 'ask');
  return turn.value.gathered;
}

/** What the first step of a dialogue thinks of an answer. */
function judge(dialogue: Dialogue, speaker: (request: Buffer) => Buffer): Acceptance['kind'] {
  const turn = dialogue.next();
  assert.ok(turn.done !== true && turn.value.kind === 'ask');
  return turn.value.accept(speaker(Buffer.from(turn.value.send))).kind;
}

/** An answer of fixed bytes, into which bytes of the request are copied. */
function speak(hex: string, ...copies: readonly (readonly [from: number, to: number, length: number])[]): (request: Buffer) => Buffer {
  return (request) => {
    const answer = bytes(hex);
    for (const [from, to, length] of copies) request.copy(answer, to, from, from + length);
    return answer;
  };
}

/** A DNS message with other flags. */
function flags(hex: string, value: string): string {
  return hex.slice(0, 4) + value + hex.slice(8);
}

/** The same speaker in DNS over TCP: two bytes of length before request and answer. */
function framed(speaker: (request: Buffer) => Buffer): (request: Buffer) => Buffer {
  return (request) => {
    const reply = speaker(request.subarray(2));
    return Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]);
  };
}

function calledName(fields: Partial<Question>): string | undefined {
  return play(netbios(questionOf(fields)), speak('82000000')).sent[0]?.toString('latin1', 5, 37);
}

function smb1Reply(index: string): string {
  return `00000025ff534d4272000000009853c8${'00'.repeat(20)}01${index}0000`;
}

describe('dns', () => {
  const srvReply =
    '414484000001000200010000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001' +
    'c00c0021000100000384000c00000064018503646331c021c00c0021000100000384000c0000006401850364' +
    '6332c021c01a0006000100000e100023c04a0a686f73746d6173746572c0210000000200000384000002580001518000000e10';
  const soaReply =
    '561d8480000100010001000004636f7270076578616d706c6504746573740000060001c00c0006000100000e10002703646331c00c0a686f73746d6173746572c00c0000000100000384000002580001518000000e10c00c0006' +
    '000100000e100018c02fc0350000000100000384000002580001518000000e10';
  const id = [0, 0, 2] as const;
  const udp = { transport: 'udp', domain: 'corp.example.test' } as const;

  const found = {
    rcode: 'NOERROR',
    authoritative: true,
    truncated: false,
    srvTargets: ['dc1.corp.example.test', 'dc2.corp.example.test'],
  };
  const soa = { variant: 'soa' } as const;
  const zone = { questions: 2, soaPrimary: 'dc1.corp.example.test' };

  test('asks SRV, then SOA as a question of its own, each with its own id', () => {
    const first = play(dns(questionOf(udp)), speak(srvReply, id));
    assert.deepEqual(first.answer, { status: 'identified', facts: found, next: soa });
    assert.equal(
      first.sent[0]?.toString('hex'),
      '010100000001000000000000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001',
    );
    const second = play(dns(questionOf({ ...udp, ...soa })), speak(soaReply, id));
    assert.deepEqual(second.answer, { status: 'identified', facts: zone });
    assert.equal(second.sent[0]?.toString('hex'), '01010000000100000000000004636f7270076578616d706c6504746573740000060001');
  });

  test('asks the same in frames over TCP', () => {
    const tcp = { domain: 'corp.example.test' };
    const first = play(dns(questionOf(tcp)), framed(speak(srvReply, id)));
    assert.deepEqual(first.answer, { status: 'identified', facts: found, next: soa });
    const second = play(dns(questionOf({ ...tcp, ...soa, dnsName: 'dc1' })), framed(speak(soaReply, id)));
    assert.deepEqual(second.answer, { status: 'identified', facts: zone });
    for (const [request] of [first.sent, second.sent]) assert.equal(request?.readUInt16BE(0), (request?.length ?? 0) - 2);
  });

  /** An answer with authority, written by hand: the question comes back, and then what `records` says (RFC 1035 §4.1). */
  const recordsOf =
    (count: number, records: string, flagBits = '8480') =>
    (request: Buffer): Buffer =>
      Buffer.concat([
        request.subarray(0, 2),
        bytes(`${flagBits}0001${count.toString(16).padStart(4, '0')}00000000`),
        request.subarray(12),
        bytes(records),
      ]);
  const a = (hex: string): string => `c00c000100010000038400 04${hex}`.replaceAll(' ', '');
  const aaaa = 'c00c001c000100000384001020010db8000000000000000000000009';
  const srv = (name: string): string => `c00c002100010000038400${(7 + name.length / 2).toString(16).padStart(2, '0')}000000640185${name}00`;
  const rodc = '05726f64633104636f7270076578616d706c650474657374';
  const tcpSoa = { domain: 'corp.example.test', dnsName: 'dc1.corp.example.test', ...soa };
  const zoneThen = (...speakers: readonly ((request: Buffer) => Buffer)[]): readonly ((request: Buffer) => Buffer)[] =>
    [speak(soaReply, id), ...speakers].map(framed);

  test('over TCP asks for the addresses of the host too, and has all of them dialled', () => {
    const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8:0:0:0:0:0:9'];
    const speakers = zoneThen(recordsOf(2, a('c0000202') + a('c0000201')), recordsOf(1, aaaa));
    const { answer, sent } = play(dns(questionOf(tcpSoa)), ...speakers);
    assert.deepEqual(answer, { status: 'identified', facts: { ...zone, ownAddresses: addresses }, next: { elsewhere: addresses } });
    assert.equal(sent[1]?.toString('hex', 14), '0364633104636f7270076578616d706c6504746573740000010001');
    assert.equal(sent[2]?.toString('hex', 14), '0364633104636f7270076578616d706c65047465737400001c0001');
  });

  test('a host without addresses there adds none', () => {
    const { answer } = play(dns(questionOf(tcpSoa)), ...zoneThen(recordsOf(0, '', '8483'), recordsOf(0, '')));
    assert.deepEqual(answer, { status: 'identified', facts: zone });
  });

  test('of a site asks for its own records, and tells none from a refusal', () => {
    const inSite = (speaker: (request: Buffer) => Buffer): unknown =>
      play(dns(questionOf({ ...tcpSoa, site: 'Branch' })), ...zoneThen(recordsOf(0, ''), recordsOf(0, ''), speaker)).answer.facts;
    assert.deepEqual(inSite(recordsOf(1, srv(rodc))), { ...zone, siteTargets: ['rodc1.corp.example.test'] });
    assert.deepEqual(inSite(recordsOf(0, '', '8483')), { ...zone, siteTargets: [] });
    assert.deepEqual(inSite(recordsOf(0, '', '8005')), { ...zone, followUp: 'Branch: REFUSED' });
    assert.deepEqual(inSite(recordsOf(1, srv(rodc), '8680')), { ...zone, followUp: 'Branch: truncated' });
    const { sent } = play(dns(questionOf({ ...tcpSoa, site: 'Branch' })), ...zoneThen(recordsOf(0, ''), recordsOf(0, ''), recordsOf(0, '')));
    assert.match(sent[3]?.toString('latin1') ?? '', /_ldap.{1}_tcp.{1}Branch.{1}_sites.{1}dc.{1}_msdcs.{1}corp/s);
  });

  test('without a domain asks for the domain of the DC name', () => {
    const { answer } = play(dns(questionOf({ transport: 'udp' })), speak(srvReply, id));
    assert.equal(answer.status, 'identified');
  });

  test('a truncated answer over UDP asks for the question over TCP, and nothing more over UDP', () => {
    const { answer } = play(dns(questionOf(udp)), speak(flags(srvReply, '8600'), id));
    const facts = { rcode: 'NOERROR', authoritative: true, truncated: true };
    assert.deepEqual(answer, { status: 'identified', facts, next: { transport: 'tcp', variant: 'again' } });
    const again = play(dns(questionOf({ domain: 'corp.example.test', variant: 'again' })), framed(speak(srvReply, id)));
    assert.deepEqual(again.answer.facts, { ...found, questions: 2 });
  });

  test('an answer over TCP that is truncated is no answer', () => {
    const { answer } = play(dns(questionOf({ domain: 'corp.example.test' })), framed(speak(flags(srvReply, '8600'), id)));
    assert.equal(answer.status, 'malformed');
  });

  test('NXDOMAIN still asks for the zone', () => {
    const nothing = `${flags(srvReply, '8403').slice(0, 12)}000000000000${srvReply.slice(24, 112)}`;
    const { answer } = play(dns(questionOf(udp)), speak(nothing, id));
    assert.deepEqual(answer, { status: 'identified', facts: { ...found, rcode: 'NXDOMAIN', srvTargets: [] }, next: soa });
  });

  test('a zone that is refused adds only that, so that the first answer stands', () => {
    for (const [value, followUp] of [
      ['8005', 'SOA: REFUSED'],
      ['8600', 'SOA: truncated'],
    ] as const) {
      const refusal = play(dns(questionOf({ ...udp, ...soa })), speak(flags(soaReply, value), id)).answer.facts;
      assert.deepEqual(
        [refusal.followUp, refusal.questions, refusal.rcode, refusal.srvTargets, refusal.truncated],
        [followUp, 2, undefined, undefined, undefined],
      );
    }
  });

  test('no more than 200 targets are facts, with the host itself wherever it stands, and how many there were', () => {
    const name = (text: string): Buffer =>
      Buffer.concat([...text.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)), Buffer.alloc(1)]);
    const answerOf = (targets: readonly string[]) => (request: Buffer) => {
      const asked = request.subarray(2);
      const records = targets.map((target) => {
        const data = Buffer.concat([bytes('000000640185'), name(target)]);
        return Buffer.concat([bytes('c00c0021000100000258'), Buffer.from([0, data.length]), data]);
      });
      const head = Buffer.concat([
        asked.subarray(0, 2),
        bytes('84000001'),
        Buffer.from([targets.length >> 8, targets.length & 255]),
        bytes('00000000'),
      ]);
      const message = Buffer.concat([head, asked.subarray(12), ...records]);
      return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
    };
    const targetsOf = (fields: Partial<Question>, targets: readonly string[]) => {
      const { srvTargets = [], srvTotal } = play(dns(questionOf({ domain: 'corp.example.test', ...fields })), answerOf(targets)).answer.facts;
      return { srvTargets, srvTotal };
    };
    const all = (count: number): string[] => Array.from({ length: count }, (_, index) => `dc${100 + index}.corp.example.test`);

    assert.deepEqual(targetsOf({}, all(200)), { srvTargets: all(200), srvTotal: undefined });
    assert.deepEqual(targetsOf({}, all(201)), { srvTargets: all(200), srvTotal: 201 });
    for (const dnsName of ['DC399.corp.example.test.', 'DC399', 'dc250.corp.example.test', 'dc100.corp.example.test']) {
      const { srvTargets, srvTotal } = targetsOf({ dnsName }, all(300));
      const label = dnsName.toLowerCase().split('.')[0];
      assert.deepEqual([srvTargets.length, srvTotal, srvTargets.includes(`${label}.corp.example.test`)], [200, 300, true], dnsName);
      assert.deepEqual(srvTargets, srvTargets.toSorted());
    }
    const long = all(190).map((target) => `${'\u0001'.repeat(60)}.${'\u0001'.repeat(60)}.${target}`);
    const cut = targetsOf({ dnsName: 'zz.corp.example.test' }, [...long, 'zz.corp.example.test']);
    assert.ok(JSON.stringify(cut.srvTargets).length <= 33_000);
    assert.deepEqual([cut.srvTotal, cut.srvTargets.at(-1)], [191, 'zz.corp.example.test']);
  });

  test('a refusal, even as a bare header, ends the dialogue and is identified', () => {
    for (const [value, rcode] of [
      ['8005', 'REFUSED'],
      ['8001', 'FORMERR'],
      ['8002', 'SERVFAIL'],
    ] as const) {
      const { answer } = play(dns(questionOf(udp)), speak(`4144${value}0000000000000000`, id));
      assert.deepEqual(answer, { status: 'identified', facts: { rcode, authoritative: false, truncated: false, srvTargets: [] } });
    }
  });

  test('another id, another question, and success without a question are unrelated', () => {
    assert.equal(judge(dns(questionOf(udp)), speak(srvReply)), 'unrelated');
    assert.equal(judge(dns(questionOf(udp)), speak(soaReply, id)), 'unrelated');
    assert.equal(judge(dns(questionOf(udp)), speak('414484000000000000000000', id)), 'unrelated');
  });

  test('an echo server is malformed', () => {
    assert.equal(
      judge(dns(questionOf(udp)), (request) => request),
      'malformed',
    );
  });
});

describe('ntp', () => {
  /** The first 16 bytes are chronyd's; received and sent again 2 s after our request. */
  const reply = ['240803e600000000000000007f7f0101', 'eead1f8000000000', '0000000000000000', 'eead1f8200000000', 'eead1f8200000000'].join('');
  const origin = [40, 24, 8] as const;
  const udp = { transport: 'udp' } as const;

  test('an echo of our bytes is identified, with the clock', () => {
    const { answer } = play(ntp(questionOf(udp)), speak(reply, origin));
    const { clockOffsetMs, clockUncertaintyMs, ...rest } = answer.facts;
    assert.deepEqual(rest, { stratum: 8, leap: 0, referenceId: '127.127.1.1' });
    assert.equal(clockOffsetMs, 1995);
    assert.ok(clockUncertaintyMs !== undefined && clockUncertaintyMs >= 5 && clockUncertaintyMs <= 6);
  });

  test('a kiss of death is identified, with its code and without a clock', () => {
    const kiss = `e400${reply.slice(4, 24)}44454e59${reply.slice(32)}`;
    assert.deepEqual(play(ntp(questionOf(udp)), speak(kiss, origin)).answer, {
      status: 'identified',
      facts: { stratum: 0, leap: 3, referenceId: 'DENY', kissCode: 'DENY' },
    });
  });

  test('another origin is unrelated, another mode malformed', () => {
    assert.equal(judge(ntp(questionOf(udp)), speak(reply)), 'unrelated');
    assert.equal(
      judge(ntp(questionOf(udp)), (request) => request),
      'malformed',
    );
  });
});

describe('netbios', () => {
  const status =
    `92b08400000000010000000020434b${'41'.repeat(30)}00` +
    '002100010000000000bf08444331202020202020202020202020004400444331202020202020202020202020034400444331202020202020202020202020204400434f525020202020202020202020201b4400434f5250202020' +
    '20202020202020201cc400434f5250202020202020202020202000c4005f5f53414d42415f5f20202020202000c6005f5f53414d42415f5f20202020202020c600' +
    '00'.repeat(46);
  const id = [0, 0, 2] as const;

  test('over UDP the names are facts, sorted, and tell host and domain', () => {
    const { answer } = play(netbios(questionOf({ transport: 'udp' })), speak(status, id));
    assert.deepEqual(answer, {
      status: 'identified',
      facts: {
        netbiosNames: ['CORP<00>', 'CORP<1b>', 'CORP<1c>', 'DC1<00>', 'DC1<03>', 'DC1<20>', '__SAMBA__<00>', '__SAMBA__<20>'],
        netbiosName: 'DC1',
        netbiosDomain: 'CORP',
      },
    });
  });

  test('over UDP a host of several names has the one that is expected, in any place, and otherwise its first', () => {
    const alias = status.replace(`444331${'20'.repeat(12)}004400`, `46494c4553${'20'.repeat(10)}204400`);
    assert.notEqual(alias, status);
    for (const [dnsName, netbiosName] of [
      ['dc1.corp.example.test', 'DC1'],
      ['files.corp.example.test', 'FILES'],
      ['other.corp.example.test', 'FILES'],
      // CORP<1b> is unique, but names the domain.
      ['corp.example.test', 'FILES'],
    ] as const) {
      assert.equal(play(netbios(questionOf({ transport: 'udp', dnsName })), speak(alias, id)).answer.facts.netbiosName, netbiosName, dnsName);
    }
  });

  test('over UDP a refusal is identified, names nobody, and another id is unrelated', () => {
    const refusal = play(netbios(questionOf({ transport: 'udp' })), speak('415084030000000000000000', id)).answer;
    assert.deepEqual(refusal, { status: 'identified', facts: { nameServiceError: 3 } });
    assert.equal(judge(netbios(questionOf({ transport: 'udp' })), speak(status)), 'unrelated');
  });

  for (const [hex, sessionCode] of [
    ['82000000', 'positive'],
    ['8300000182', '0x82'],
    ['840000060a63010b008b', 'retarget'],
  ] as const) {
    test(`over TCP the answer ${sessionCode} is identified`, () => {
      assert.deepEqual(play(netbios(questionOf()), speak(hex)).answer, { status: 'identified', facts: { sessionCode } });
    });
  }

  test('over TCP form 0 calls *SMBSERVER, form 1 the name that is known, or the first label', () => {
    assert.equal(calledName({}), 'CKFDENECFDEFFCFGEFFCCACACACACACA');
    assert.equal(calledName({ form: 1, known: { netbiosName: 'CORP' } }), 'EDEPFCFACACACACACACACACACACACACA');
    assert.equal(calledName({ form: 1, dnsName: 'corp.example.test' }), 'EDEPFCFACACACACACACACACACACACACA');
  });
});

describe('netbios-datagram', () => {
  /** The answer for the mailslot that the request names, in the last 28 bytes but 17. */
  const answered = (request: Buffer): Buffer => patched(captures.mailslot, { 165: request.subarray(-28, -17) });
  const udp = { transport: 'udp', domain: 'corp.example.test' } as const;
  const local = () => ({ address: '10.77.1.21', port: 138 });

  test('a DC says in its answer what it says to the LDAP ping', () => {
    const { answer, sent } = play(netbiosDatagram(questionOf({ ...udp, local })), answered);
    const { dnsName, domain, netbiosName, roles } = answer.facts;
    assert.deepEqual([answer.status, dnsName, domain, netbiosName], ['identified', 'dc1.corp.example.test', 'corp.example.test', 'DC1']);
    assert.ok(roles?.includes('pdc'));
    assert.equal(sent[0]?.toString('hex', 4, 10), '0a4d0115008a', 'our own end is where the answer comes to');
  });

  test('the domain is asked for under the name that it gives itself, or the first label of its DNS name', () => {
    for (const [fields, name] of [
      [{ known: { netbiosDomain: 'CORP' }, domain: 'example.test' }, 'EDEPFCFA'],
      [{ domain: 'corp.example.test' }, 'EDEPFCFA'],
      [{ dnsName: 'dc1.corp.example.test' }, 'EDEPFCFA'],
      [{ dnsName: 'dc1' }, 'CACACACA'],
    ] as const) {
      const { sent } = play(netbiosDatagram(questionOf({ transport: 'udp', ...fields })), answered);
      assert.equal(sent[0]?.toString('latin1', 49, 57), name);
    }
  });

  test('an answer for another mailslot is unrelated, and so is an error with another id', () => {
    assert.equal(judge(netbiosDatagram(questionOf(udp)), speak(captures.mailslot.toString('hex'))), 'unrelated');
    assert.equal(judge(netbiosDatagram(questionOf(udp)), speak('130241520a63010b008a82')), 'unrelated');
  });

  test('a datagram service that has nobody of that name says so: absent', () => {
    const { answer } = play(netbiosDatagram(questionOf(udp)), speak('130241520a63010b008a82', [2, 2, 2]));
    assert.deepEqual(answer, { status: 'absent', facts: { complaint: 'datagram error 0x82' } });
  });
});

describe('rdp', () => {
  for (const [confirm, facts] of [
    ['030000130ed000001234000201080001000000', { rdpSecurity: 'tls' }],
    ['030000130ed00000123400021f080002000000', { rdpSecurity: 'credssp' }],
    ['030000130ed00000123400021f080008000000', { rdpSecurity: 'credssp-early' }],
    ['030000130ed00000123400021f080010000000', { rdpSecurity: '0x10' }],
    ['0300000b06d00000123400', { rdpSecurity: 'rdp' }],
    ['030000130ed000001234000300080005000000', { rdpFailure: 5 }],
  ] as const) {
    test(`over TCP ${confirm} is identified by ${Object.values(facts).join()}`, () => {
      assert.deepEqual(play(rdp(questionOf()), speak(confirm)).answer, { status: 'identified', facts });
    });
  }

  test('over UDP the answer that acknowledges our number is identified, and will be repeated', () => {
    const synAck = captures.rdpSynAck.toString('hex');
    const { answer } = play(rdp(questionOf({ transport: 'udp' })), speak(synAck, [8, 0, 4]));
    assert.deepEqual(answer, { status: 'identified', facts: {}, isRepeated: true });
    assert.equal(judge(rdp(questionOf({ transport: 'udp' })), speak(synAck)), 'unrelated');
  });
});

describe('adws', () => {
  test('an acknowledged preamble for the metadata endpoint is identified, and nothing follows it', () => {
    const { answer, sent } = play(adws(questionOf({ port: 9389 })), speak('0b'));
    assert.deepEqual(answer, { status: 'identified', facts: {} });
    assert.equal(sent[0]?.toString('latin1', 7), 'net.tcp://dc1.corp.example.test:9389/ActiveDirectoryWebServices/mex\u0003\u0008\u000c');
  });

  test('a fault is identified by its name', () => {
    const fault = `0849${Buffer.from('http://schemas.microsoft.com/ws/2006/05/framing/faults/UnsupportedVersion').toString('hex')}`;
    assert.deepEqual(play(adws(questionOf()), speak(fault)).answer, { status: 'identified', facts: { framingFault: 'UnsupportedVersion' } });
  });
});

describe('quic', () => {
  const reply = captures.quicVersions.toString('hex');
  const udp = { transport: 'udp' } as const;

  test('versions under our ids are identified, without those that are made up', () => {
    const { answer } = play(quic(questionOf(udp)), speak(reply, [15, 6, 8], [6, 15, 8]));
    assert.deepEqual(answer, { status: 'identified', facts: { quicVersions: ['0x00000001', '0x6b3343cf'] } });
  });

  test('no more than 16 versions are facts', () => {
    const { answer } = play(quic(questionOf(udp)), speak(reply + '00000001'.repeat(300), [15, 6, 8], [6, 15, 8]));
    assert.equal(answer.facts.quicVersions?.length, 16);
  });

  test('other ids, and ours in their own places, are unrelated', () => {
    assert.equal(judge(quic(questionOf(udp)), speak(reply)), 'unrelated');
    assert.equal(judge(quic(questionOf(udp)), speak(reply, [6, 6, 8], [15, 15, 8])), 'unrelated');
  });
});

const bindAck = '05000c03100000003c00000001000000b810b8105e8f000004003133350000000100000000000000045d888aeb1cc9119fe808002b10486002000000';
const bindUnknown = '05000c03100000003c00000001000000b810b81033820000060034393135330001000000020001000000000000000000000000000000000000000000';
const bindNoNdr = bindUnknown.replace('02000100', '02000200');
const congestion = '05000d031000000015000000000000000100010500';
const fault = '0500032310000000200000000200000000000000000000000500000000000000';

describe('epm', () => {
  const mapReply =
    '050002031000000098000000020000008000000000000000000000000000000000000000000000000000000001000000040000000000000001000000030000004b0000004b000000050013000d354251e3064bd111ab0400c04fc2dcd204000200000013' +
    '000d045d888aeb1cc9119fe808002b10486002000200000001000b020000000100070200c0010100090400000000000000000000';
  const nothing = '050002031000000040000000060000002800000000000000000000000000000000000000000000000000000000000000040000000000000000000000d6a0c916';
  const callId = [12, 12, 4] as const;
  /** Interface of the tower: UUID and major version, which request and reply hold at different places. */
  const found = speak(mapReply, callId, [61, 77, 18]);
  const missing = speak(nothing, callId);

  test('maps each interface on one connection', () => {
    const { answer, sent } = play(epm(questionOf()), speak(bindAck), found, found, missing, found, missing);
    assert.deepEqual(answer, {
      status: 'identified',
      facts: { rpcPorts: { drsuapi: 49153, netlogon: 49153, lsarpc: 49153 }, rpcAbsent: ['samr', 'dfsr'] },
    });
    assert.deepEqual(
      sent.map((request) => request.readUInt32LE(12)),
      [1, 2, 3, 4, 5, 6],
    );
  });

  test('a fault after a good bind means that anonymous questions are refused', () => {
    const { answer } = play(epm(questionOf()), speak(bindAck), found, speak(fault, callId));
    assert.deepEqual(answer, {
      status: 'identified',
      facts: { rpcPorts: { drsuapi: 49153 }, rpcAbsent: [], rpcAnonymousRefused: true, complaint: 'ept_map fault 0x00000005' },
    });
  });

  test('ports that were mapped are not lost when a later question stays without an answer', () => {
    const gathered = gatheredBefore(epm(questionOf()), speak(bindAck), found, missing);
    assert.deepEqual(gathered, { rpcPorts: { drsuapi: 49153 }, rpcAbsent: ['netlogon'] });
  });

  test('a status nobody expected is neither present nor absent', () => {
    const odd = speak(nothing.replace('d6a0c916', 'cda0c916'), callId);
    const { answer } = play(epm(questionOf()), speak(bindAck), odd, missing, missing, missing, missing);
    assert.deepEqual(answer.facts, { rpcPorts: {}, rpcAbsent: ['netlogon', 'samr', 'lsarpc', 'dfsr'], complaint: 'ept_map drsuapi 0x16c9a0cd' });
  });

  test('an RPC server that is no endpoint mapper is absent', () => {
    assert.equal(play(epm(questionOf()), speak(bindUnknown)).answer.status, 'absent');
  });

  test('a bind that is refused otherwise is identified, with the complaint and no ports', () => {
    for (const [hex, complaint] of [
      [bindNoNdr, 'the endpoint mapper does not take NDR'],
      [congestion, 'bind rejected: temporary congestion'],
      [fault, 'fault 0x00000005 to the bind'],
    ] as const) {
      assert.deepEqual(play(epm(questionOf()), speak(hex, callId)).answer, { status: 'identified', facts: { complaint } });
    }
  });

  test('bytes that are not RPC are malformed, an answer to another call is unrelated', () => {
    assert.equal(
      judge(epm(questionOf()), () => Buffer.from('HTTP/1.1 400')),
      'malformed',
    );
    assert.equal(judge(epm(questionOf()), speak(bindAck.replace('01000000b810', '07000000b810'))), 'unrelated');
    assert.equal(judge(epm(questionOf()), speak(congestion)), 'unrelated');
  });
});

describe('rpc', () => {
  const netlogon = { interface: 'netlogon' } as const;

  test('binds the interface that was asked for', () => {
    const { answer, sent } = play(rpc(questionOf(netlogon)), speak(bindAck));
    assert.deepEqual(answer, { status: 'identified', facts: { rpcInterface: 'netlogon', rpcSecondaryPort: 135 } });
    assert.equal(sent[0]?.toString('hex', 32, 52), '785634123412cdabef0001234567cffb01000000');
  });

  for (const [name, hex, answer] of [
    ['an unknown interface is absent', bindUnknown, { status: 'absent', facts: { rpcInterface: 'netlogon' } }],
    ['an interface with another transfer syntax is identified', bindNoNdr, { status: 'identified', facts: { rpcInterface: 'netlogon' } }],
    [
      'congestion is identified, with the refusal',
      congestion,
      { status: 'identified', facts: { rpcInterface: 'netlogon', rpcRefusal: 'congestion', complaint: 'bind rejected: temporary congestion' } },
    ],
    [
      'a fault is identified, with the refusal',
      fault,
      { status: 'identified', facts: { rpcInterface: 'netlogon', rpcRefusal: 'other', complaint: 'fault 0x00000005 to the bind' } },
    ],
  ] as const) {
    test(name, () => assert.deepEqual(play(rpc(questionOf(netlogon)), speak(hex, [12, 12, 4])).answer, answer));
  }

  test('a refusal of another call is unrelated', () => {
    assert.equal(judge(rpc(questionOf(netlogon)), speak(congestion)), 'unrelated');
  });

  test('without an interface there is no question', () => {
    assert.throws(() => rpc(questionOf()).next(), /without an interface/);
  });
});

describe('smb', () => {
  const reply =
    '0000011cfe534d4240000000000000000000010001000000000000000000000000000000fffe00000000000000000000000000000000000000000000000000000000000041000300110302006463310000000000000000000000' +
    '00000f000000000080000000800000008000b6b9e58d817add01000000000000000080006000e0000000605e06062b0601050502a0543052a024302206092a864882f71201020206092a864886f712010202060a2b0601040182' +
    '3702020aa32a3028a0261b246e6f745f646566696e65645f696e5f5246433431373840706c656173655f69676e6f72650100260000000000010020000100125a606bc80d4d064eb31084f1060e6f98d8a70aff5eff0c73bcd11f' +
    '6101c43f0000020004000000000001000200';

  test('an SMB2 answer tells dialect, signing, GUID and clock', () => {
    const packet = bytes(reply);
    packet.writeBigUInt64LE((BigInt(sentMs + 2000) + 11_644_473_600_000n) * 10_000n, 4 + 104);
    const { answer, sent } = play(smb(questionOf()), () => packet);
    const { clockOffsetMs, clockUncertaintyMs, ...rest } = answer.facts;
    assert.deepEqual(rest, { dialect: '3.1.1', signingRequired: true, serverGuid: '00316364-0000-0000-0000-000000000000' });
    assert.equal(clockOffsetMs, 1995);
    assert.ok(clockUncertaintyMs !== undefined && clockUncertaintyMs >= 5 && clockUncertaintyMs <= 6);
    assert.equal(sent[0]?.toString('hex', 4, 8), 'fe534d42');
  });

  test('form 1 begins in SMB1', () => {
    const { sent } = play(smb(questionOf({ form: 1 })), speak(reply));
    assert.equal(sent[0]?.toString('hex', 4, 9), 'ff534d4272');
  });

  test('a refused negotiation is identified by its status, without a dialect', () => {
    const hex = `00000049fe534d4240000000bb0000c00000010001000000${'00'.repeat(44)}090000000000000000`;
    assert.deepEqual(play(smb(questionOf()), speak(hex)).answer, {
      status: 'identified',
      facts: { smbRefusal: '0xc00000bb' },
    });
  });

  test('an SMB1 answer is dialect 1, unless it took none', () => {
    assert.deepEqual(play(smb(questionOf({ form: 1 })), speak(smb1Reply('0000'))).answer.facts, { dialect: '1' });
    assert.deepEqual(play(smb(questionOf({ form: 1 })), speak(smb1Reply('ffff'))).answer.facts, { smbRefusal: 'no-dialect' });
  });

  test('bytes that are not SMB are malformed', () => {
    assert.equal(
      judge(smb(questionOf()), () => bytes('150301000202280a')),
      'malformed',
    );
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decodeCertificate } from '../../agent/codecs/certificate.ts';
import type { Decoded } from '../../agent/codecs/decoded.ts';
import { decodeKdcReply, decodeKerberosError, encodeAsRequest, frame, framed, realmOf } from '../../agent/codecs/kerberos.ts';
import { decodeChangeReply, encodeChangeRequest, encodeShortRequest } from '../../agent/codecs/kpasswd.ts';
import {
  decodePingReply,
  decodeSearchReply,
  domainOf,
  encodePing,
  encodeRootDseRequest,
  messageIdFrom,
  siteOf,
  textAttribute,
} from '../../agent/codecs/ldap.ts';
import { decodeNetlogon } from '../../agent/codecs/netlogon.ts';
import { dcCertificate, noticeOfDisconnection, paddedRootDse } from '../support/replies.ts';

// Vectors of probes.md §18, by their names there; the rest is from openssl, or made by hand in the form that Windows writes.
const a1AsRequest = hex(`
  6a8194308191a103020105a20302010aa48184308181a00703050000000010a111300fa003020101a10830061b0444433124a2131b11434f52502e4558414d504c
  452e54455354a3263024a003020102a11d301b1b066b72627467741b11434f52502e4558414d504c452e54455354a511180f31393730303130313030303030305a
  a706020412345678a80b3009020112020111020117
`);
const a1Reply = hex(`
  0000015b7e82015730820153a003020105a10302011ea411180f32303236313132323037353033315aa50502030c4984a603020119a7131b11434f52502e455841
  4d504c452e54455354a811300fa003020101a10830061b0444433124a9131b11434f52502e4558414d504c452e54455354aa263024a003020102a11d301b1b066b
  72627467741b11434f52502e4558414d504c452e54455354ab2b1b294e65656420746f207573652050412d454e432d54494d455354414d502f50412d504b2d4153
  2d524551ac819504819230818f3009a103020110a20204003009a10302010fa2020400300aa10402020093a20204003009a103020102a2020400300aa104020200
  88a2020400300aa1040202028fa20204003048a103020113a241043f303d303ba003020112a12c1b2a434f52502e4558414d504c452e54455354686f7374646331
  2e636f72702e6578616d706c652e74657374a206040400001000
`);
const a2Reply = hex(`
  000000a37e81a030819da003020105a10302011ea411180f32303236313132323037353033315aa50502030c196aa603020106a7131b11434f52502e4558414d50
  4c452e54455354a820301ea003020101a11730151b13616470726f62652d6e6f6e6578697374656e74a9131b11434f52502e4558414d504c452e54455354aa2630
  24a003020102a11d301b1b066b72627467741b11434f52502e4558414d504c452e54455354
`);
const a3Ping = hex(`
  3053020107634e04000a01000a0100020100020100010100a02fa31e0409446e73446f6d61696e0411636f72702e6578616d706c652e74657374a30d04054e7456
  6572040406000000300a04084e65746c6f676f6e
`);
const a3Reply = hex(`
  307b020107647604003072307004086e65746c6f676f6e3164046217000000fd13000065ed07a17f9b1549a52d4b2fd81a1c3a04636f7270076578616d706c6504
  7465737400c01803646331c01804434f5250000344433100001744656661756c742d46697273742d536974652d4e616d6500c03f05000000ffffffff300c020107
  65070a010004000400
`);
const a4ChangeRequest = hex(`
  014b000100fa6e81f73081f4a003020105a10302010ea20703050020000000a3819161818e30818ba003020105a1131b11434f52502e4558414d504c452e544553
  54a21d301ba003020102a11430121b066b61646d696e1b086368616e67657077a350304ea003020112a103020101a2420440aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa44b3049a003020112a2420440bbbbbb
  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb75493047
  a003020105a103020115a33b3039a003020112a2320430cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  cccccccccccc
`);
const a4ShortRequest = hex(`
  00070001000000
`);
const a4Reply = hex(`
  009e000100007e8195308192a003020105a10302011ea411180f32303236313132323037353035395aa50502030c61daa603020102a9131b11434f52502e455841
  4d504c452e54455354aa1d301ba003020101a11430121b066b61646d696e1b086368616e67657077ac330431000267656e7365635f757064617465206661696c65
  64202d204e545f5354415455535f4c4f474f4e5f4641494c5552450a
`);
const netlogon = a3Reply.subarray(a3Reply.indexOf(hex('3164 0462')) + 4, a3Reply.indexOf(hex('300c 0201')));
const nameInSubjectCertificate = hex(`
  308202a930820212a003020102021434cd7d5baed114a1cbb185f27e23b456523fce29300d06092a864886f70d0101050500307a311d301b060355040a0c145361
  6d62612041646d696e697374726174696f6e31393037060355040b0c3053616d6261202d2074656d706f72617279206175746f67656e65726174656420484f5354
  206365727469666963617465311e301c06035504030c154443312e636f72702e6578616d706c652e74657374301e170d3236313132323132343932305a170d3238
  313032323132343932305a307a311d301b060355040a0c1453616d62612041646d696e697374726174696f6e31393037060355040b0c3053616d6261202d207465
  6d706f72617279206175746f67656e65726174656420484f5354206365727469666963617465311e301c06035504030c154443312e636f72702e6578616d706c65
  2e7465737430819f300d06092a864886f70d010101050003818d0030818902818100c881dc6177c3e872235f6208935bab3ee38cf43a38a1c777d593d23970ca06
  ca2ec3279456f37eada618f28bf5d84612f6fb7e7c8dba3ed8a284c7f7f7243e71bf04be884a1cb8338118bdc7654b5d2a5cd8b312e0f5351ea2bf5f442bd46a9d
  0851e4ba42d9c1bb5106333cf666973f1f1ef7912ab710c02af5f418d22486b30203010001a32c302a30090603551d1304023000301d0603551d0e041604146ced
  9e37f3f091af29ddd18103dabb36c1a6d7c6300d06092a864886f70d0101050500038181007ae336374e8e809dab470127657ee7ecfc4f1debfd4e5e5835655aa0
  cb4414361297d82a865c3056683d510e1f5e8f694e2deb7db784024291dcd26173d71bc7a11d31991401b710545453ba25b57ef287da2c3d8973c48967e9baf572
  953d8a0fc150d6ef5f7986baf65233298ac3c199583ed312379a8f25293293f9d9cae1
`);
const ecCertificate = hex(`
  308201513081d802142e8507b80f7f90989f0683236c1344de8768677f300a06082a8648ce3d040303300d310b300906035504030c026563301e170d3236313132
  323132343932305a170d3236313232323132343932305a300d310b300906035504030c0265633076301006072a8648ce3d020106052b81040022036200049a98d8
  e8e623dd206701bd03d89a5b194414524bc693701d898db970c3240aaaa25260ecfa8d12008c9ab7576e0167632b845ad4786baa42ceb163825b04ce25cc409481
  0428eb7fe27060283fa511fb8a092ca66522bf85334ba31c94847250300a06082a8648ce3d0403030368003065023100cbed6a7ab3cb6e6d7af52c9c867f1e6bc8
  4e33d4d78d919700cc9e6882051f2f62728303e343bee81477d58b728f4d0f02307f4ef19ae2e2acacbab3645e536f642312c56ca2fd9bd2ea11e9b34dc1dc867d
  f4ad0d586a631abc82d868971a412327
`);

const realm = 'CORP.EXAMPLE.TEST';
const time = Date.UTC(2026, 10, 22, 7, 50, 31);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

function valueOf<T>(decoded: Decoded<T>): T {
  assert.equal(decoded.kind, 'value', JSON.stringify(decoded));
  return decoded.kind === 'value' ? decoded.value : assert.fail();
}

test('the AS-REQ is vector A1', () => {
  assert.deepEqual(encodeAsRequest('DC1$', realm, 0x12345678), a1AsRequest);
});

test('an error that asks for pre-authentication is vector A1r, and tells the salt', () => {
  const reply = framed(decodeKdcReply)(a1Reply);
  assert.equal(reply.kind === 'value' && reply.length, a1Reply.length);
  assert.deepEqual(valueOf(reply), {
    kind: 'error',
    error: {
      code: 25,
      time: time + 805.252,
      realm,
      service: `krbtgt/${realm}`,
      client: 'DC1$',
      clientRealm: realm,
      salt: 'CORP.EXAMPLE.TESThostdc1.corp.example.test',
    },
  });
});

test('an error for an unknown client is vector A2r', () => {
  const { code, client, salt, time: stamp } = valueOf(decodeKerberosError(a2Reply.subarray(4)));
  assert.deepEqual({ code, client, salt, stamp }, { code: 6, client: 'adprobe-nonexistent', salt: undefined, stamp: time + 792.938 });
});

test('error data of another form than METHOD-DATA leaves the error what it is', () => {
  const broken = Buffer.from(a1Reply);
  broken[broken.indexOf(hex('ac8195')) + 6] = 0x04;
  const { salt: _, ...rest } = valueOf(decodeKerberosError(a1Reply.subarray(4)));
  assert.deepEqual(valueOf(decodeKerberosError(broken.subarray(4))), rest);
});

/** AS-REP for DC1$ by hand from RFC 4120 §5.4.2, with padata; what should be its ticket is no ASN.1 at all, so that reading it would throw. */
const ticketReply = hex(`
  6b47 3045 a003020105 a10302010b a20b30093007a103020113a200 a3131b11434f52502e4558414d504c452e54455354 a411300fa003020101a10830061b04444331
  24 a504 ffffffff
`);

test('of an AS-REP realm and client are read, and neither its ticket nor what follows', () => {
  const value = { kind: 'ticket', realm, client: 'DC1$' };
  assert.deepEqual(decodeKdcReply(ticketReply), { kind: 'value', value, length: ticketReply.length });
  for (let length = 1; length < ticketReply.length; length += 1) assert.equal(decodeKdcReply(ticketReply.subarray(0, length)).kind, 'incomplete');
});

test('what only begins like an AS-REP is malformed', () => {
  const swapped = (from: string, to: string): Buffer => hex(ticketReply.toString('hex').replace(from, to));
  for (const [name, bytes] of [
    ['two bytes', hex('6b00')],
    ['a sequence without fields', hex('6b05 3003020105')],
    ['another version', swapped('a003020105', 'a003020104')],
    ['another message', swapped('a10302010b', 'a10302010d')],
    ['no realm', swapped('a3131b', 'a6131b')],
    ['no client', swapped('a411300f', 'a611300f')],
    ['a realm that is a number', swapped('a3131b11', 'a3130211')],
  ] as const) {
    assert.equal(decodeKdcReply(bytes).kind, 'malformed', name);
  }
});

test('a KRB-ERROR of a KDC must be an error', () => {
  const none = Buffer.from(a2Reply.subarray(4));
  none[none.indexOf(hex('a603020106')) + 4] = 0;
  assert.equal(decodeKdcReply(none).kind, 'malformed');
});

test('a frame over 64 KiB is malformed at once, and so are bytes of another protocol', () => {
  for (const bytes of ['01', '0002', '00010001', '7fffffff', Buffer.from('HTTP/1.1').toString('hex'), '00000010 48', '00000010 7e84ffffffff']) {
    assert.equal(framed(decodeKdcReply)(hex(bytes)).kind, 'malformed', bytes);
  }
  for (const bytes of ['', '00', '000100', '00010000', '00000010 7e']) assert.equal(framed(decodeKdcReply)(hex(bytes)).kind, 'incomplete', bytes);
});

test('a frame and its message must end together', () => {
  const message = a2Reply.subarray(4);
  const longer = framed(decodeKdcReply)(frame(Buffer.concat([message, Buffer.alloc(1)])));
  assert.deepEqual(longer, { kind: 'malformed', why: 'a message that is shorter than its frame' });
  const shorter = framed(decodeKdcReply)(frame(message.subarray(0, -1)));
  assert.deepEqual(shorter, { kind: 'malformed', why: 'a message that is longer than its frame' });
});

test('the realm is the domain in upper case, or the domain part of the DNS name', () => {
  assert.equal(realmOf('corp.example.test', 'dc1.elsewhere.test'), realm);
  assert.equal(realmOf(undefined, 'dc1.corp.example.test'), realm);
});

test('the password-change requests are vectors A4 and A4k', () => {
  assert.deepEqual(encodeChangeRequest(realm), a4ChangeRequest);
  assert.deepEqual(encodeShortRequest(), a4ShortRequest);
});

test('the refusal of a password change is vector A4r, and a bare KRB-ERROR is one as well', () => {
  const expected = { code: 2, time: Date.UTC(2026, 10, 22, 7, 50, 59) + 811.482, realm, service: 'kadmin/changepw' };
  assert.deepEqual(valueOf(decodeChangeReply(a4Reply)), expected);
  assert.deepEqual(valueOf(decodeChangeReply(a4Reply.subarray(6))), expected);
  assert.deepEqual(valueOf(framed(decodeChangeReply)(frame(a4Reply))), expected);
  assert.deepEqual(valueOf(framed(decodeChangeReply)(frame(a4Reply.subarray(6)))), expected);
});

test('a reply of another version, with an AP-REP, or longer than its header says is malformed', () => {
  for (const [offset, byte] of [
    [3, 2],
    [5, 9],
    [1, 0x9f],
    [1, 0x9d],
  ] as const) {
    const reply = Buffer.concat([a4Reply, Buffer.alloc(1)]);
    reply[offset] = byte;
    assert.equal(decodeChangeReply(reply).kind, 'malformed', `${offset}`);
  }
});

test('the LDAP ping is vector A3, and without a domain asks only for the version', () => {
  assert.deepEqual(encodePing(7, 'corp.example.test'), a3Ping);
  const anyDomain = '3033020107632e04000a01000a0100020100020100010100a00fa30d04054e74566572040406000000300a04084e65746c6f676f6e';
  assert.deepEqual(encodePing(7), hex(anyDomain));
});

test('the answer to the LDAP ping is vector A3r', () => {
  assert.deepEqual(valueOf(decodePingReply(a3Reply)), {
    messageId: 7,
    resultCode: 0,
    netlogon: {
      paused: false,
      roles: ['closest', 'ds', 'full-secrets', 'gc', 'good-time', 'kdc', 'ldap', 'pdc', 'time', 'writable'],
      domainGuid: 'a107ed65-9b7f-4915-a52d-4b2fd81a1c3a',
      forest: 'corp.example.test',
      domain: 'corp.example.test',
      dnsName: 'dc1.corp.example.test',
      netbiosDomain: 'CORP',
      netbiosName: 'DC1',
      site: 'Default-First-Site-Name',
      clientSite: 'Default-First-Site-Name',
    },
  });
});

test('an end of search without an entry is an answer without netlogon', () => {
  assert.deepEqual(valueOf(decodePingReply(hex('300c02010765070a010004000400'))), { messageId: 7, resultCode: 0 });
});

test('a DC whose netlogon is paused says so, and an unknown kind of answer is malformed', () => {
  const paused = Buffer.from(netlogon);
  paused[0] = 0x18;
  assert.equal(valueOf(decodeNetlogon(paused)).paused, true);
  paused[0] = 0x13;
  assert.equal(decodeNetlogon(paused).kind, 'malformed');
});

test('a read-only DC is not called writable', () => {
  const readOnly = Buffer.from(netlogon);
  readOnly.writeUInt32LE(0x0000_2878, 4);
  assert.deepEqual(valueOf(decodeNetlogon(readOnly)).roles, ['adws', 'ds', 'kdc', 'ldap', 'read-only', 'time']);
});

test('compressed names that point at themselves, ahead, in a circle or beyond the end are malformed', () => {
  const head = netlogon.subarray(0, 24);
  for (const names of ['c018', 'c01a', 'c01a c018', '0161 c018', 'ffff', '0161 c01a 0162 c018', '4161', '3f61', '']) {
    assert.equal(decodeNetlogon(Buffer.concat([head, hex(names), Buffer.alloc(40, 0xff)])).kind, 'malformed', names);
  }
  const long = Buffer.concat([...Array.from({ length: 5 }, () => Buffer.concat([hex('3f'), Buffer.alloc(63, 0x61)])), Buffer.alloc(40)]);
  assert.equal(decodeNetlogon(Buffer.concat([head, long])).kind, 'malformed');
});

test('the rootDSE request is a base search without a bind', () => {
  const request = encodeRootDseRequest(1).toString('hex');
  assert.match(
    request,
    /^3082[0-9a-f]{4}0201016382[0-9a-f]{4}04000a01000a0100020100020100010100870b6f626a656374436c6173733082[0-9a-f]{4}040b63757272656e7454696d65/,
  );
});

test('a search reply with padded lengths is read', () => {
  const { messageId, resultCode, entry = new Map<string, Buffer[]>() } = valueOf(decodeSearchReply(paddedRootDse));
  assert.deepEqual([messageId, resultCode], [7, 0]);
  assert.equal(textAttribute(entry, 'dnsHostName'), 'WIN-DC.child.corp.example');
  assert.deepEqual(entry.get('supportedsaslmechanisms')?.map(String), ['GSSAPI', 'GSS-SPNEGO', 'EXTERNAL', 'DIGEST-MD5']);
  assert.equal(textAttribute(entry, 'vendorName'), undefined);
});

test('an end of search with an error code is a reply without an entry', () => {
  assert.deepEqual(valueOf(decodeSearchReply(hex('300c 020107 6507 0a0101 0400 0400'))), { messageId: 7, resultCode: 1, disconnected: false });
});

test('a notice of disconnection ends the search, and another unsolicited notification does not', () => {
  assert.deepEqual(valueOf(decodeSearchReply(noticeOfDisconnection)), { messageId: 0, resultCode: 52, disconnected: true });
  const other = Buffer.from(noticeOfDisconnection);
  other.write('7', other.length - 1);
  assert.equal(decodeSearchReply(other).kind, 'incomplete');
  assert.equal(valueOf(decodeSearchReply(Buffer.concat([other, paddedRootDse]))).messageId, 7);
});

test('other operations, answers to two searches and a search that does not end are malformed', () => {
  const reference = hex('3005 020107 7300');
  for (const bytes of [
    hex('300c 020107 6107 0a0100 0400 0400'),
    Buffer.concat([hex('3009 020106 6404 0400 3000'), hex('300c 020107 6507 0a0100 0400 0400')]),
    Buffer.concat(Array.from({ length: 8 }, () => reference)),
    Buffer.from('HTTP/1.1 400 Bad Request'),
    hex('1503030002'),
  ]) {
    assert.equal(decodeSearchReply(bytes).kind, 'malformed');
  }
});

test('a domain is the DC= parts of a name, and a name of other parts has none', () => {
  assert.equal(domainOf('DC=Corp,dc=Example, DC=test'), 'corp.example.test');
  for (const name of ['', 'CN=Schema,DC=corp', 'o=corp', 'DC=']) assert.equal(domainOf(name), undefined, name);
});

test('a site stands right of CN=Servers', () => {
  assert.equal(siteOf('CN=DC1,CN=Servers,CN=Branch,CN=Sites,CN=Configuration,DC=corp'), 'Branch');
  assert.equal(siteOf('CN=DC1,CN=Computers,DC=corp'), undefined);
});

test('a message id is positive and below 2^31', () => {
  assert.equal(messageIdFrom(hex('ffffffff')), 2 ** 31 - 1);
  assert.equal(messageIdFrom(hex('00000001')), 1);
});

test('a certificate without a subject is read: names from its alternative name, usages, times, key', () => {
  assert.deepEqual(valueOf(decodeCertificate(dcCertificate)), {
    certificateSubject: '',
    certificateIssuer: '',
    certificateNames: ['*.corp.example.test', 'corp.example.test', 'dc1.corp.example.test'],
    certificateNotBefore: '2026-11-22T12:49:20.000Z',
    certificateNotAfter: '2029-08-18T12:49:20.000Z',
    certificateUsages: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1', '1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.2.3.5'],
    certificateSignature: 'sha256WithRSAEncryption',
    certificateFingerprint: createHash('sha256').update(dcCertificate).digest('hex'),
    certificateKeyType: 'rsa',
    certificateKeyBits: 2048,
  });
});

test('a name in the subject alone is not one of the names', () => {
  const certificate = valueOf(decodeCertificate(nameInSubjectCertificate));
  assert.deepEqual([certificate.certificateNames, certificate.certificateUsages], [[], []]);
  assert.match(certificate.certificateSubject, /CN=DC1\.corp\.example\.test$/);
  assert.deepEqual([certificate.certificateSignature, certificate.certificateKeyBits], ['sha1WithRSAEncryption', 1024]);
});

test('an elliptic-curve key has the bits of its curve', () => {
  const { certificateKeyType, certificateKeyBits, certificateSignature } = valueOf(decodeCertificate(ecCertificate));
  assert.deepEqual([certificateKeyType, certificateKeyBits, certificateSignature], ['ec', 384, 'ecdsa-with-SHA384']);
});

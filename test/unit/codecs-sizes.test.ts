/** Questions of a wanted size. That a real server answers them is the lab's to show: Samba 4.17 answered each of these as it answers the small one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { measured } from '../../agent/codecs/decoded.ts';
import { encodeDnsQuery, padDnsQuery } from '../../agent/codecs/dns.ts';
import { encodeAsRequest } from '../../agent/codecs/kerberos.ts';
import { decodeSearchReply, encodePing, encodeRootDseRequest, encodeWholeRootDseRequest } from '../../agent/codecs/ldap.ts';
import { captures, hex } from '../support/captures.ts';

const realm = 'CORP.EXAMPLE.TEST';
const question = { name: '_ldap._tcp.dc._msdcs.corp.example.test', type: 33 };

const sizes = fc.integer({ min: 1_196, max: 4_000 });
/** Names of domains up to the longest that DNS allows for the SRV record's name. */
const domains = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,40}$/), { minLength: 2, maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter((domain) => domain.length <= 200);

describe('a question that is to have a size has exactly that many bytes', () => {
  const requests: Readonly<Record<string, (domain: string, size: number) => Buffer>> = {
    'an AS-REQ': (domain, size) => encodeAsRequest('A-LONG-COMPUTER$', domain.toUpperCase(), 0x12345678, size),
    'a DNS query': (domain, size) => padDnsQuery(encodeDnsQuery(7, { ...question, name: `_ldap._tcp.dc._msdcs.${domain}` }), size),
    'an LDAP ping': (domain, size) => encodePing(0x7fffffff, domain, size),
    'an LDAP ping without a domain': (_, size) => encodePing(1, undefined, size),
    'a search of the rootDSE': (_, size) => encodeRootDseRequest(0x12345678, size),
  };
  for (const [what, request] of Object.entries(requests)) {
    it(what, () => {
      fc.assert(fc.property(domains, sizes, (domain, size) => assert.equal(request(domain, size).length, size)));
    });
  }

  it('a DNS query that has no room for the padding stays as it is', () => {
    const query = encodeDnsQuery(7, question);
    assert.deepEqual(padDnsQuery(query, query.length + 14), query);
    assert.equal(padDnsQuery(query, query.length + 15).length, query.length + 15);
  });
});

describe('what makes a question large', () => {
  it('in an AS-REQ is pre-authentication data of type -4242, before the body, and nothing else', () => {
    const [small, large] = [encodeAsRequest('DC1$', realm, 1), encodeAsRequest('DC1$', realm, 1, 1_200)];
    const body = small.subarray(16);
    assert.equal(body[0], 0xa4);
    assert.ok(large.subarray(-body.length).equals(body));
    // RFC 4120 §5.4.1, by hand: pvno, msg-type, [3] SEQUENCE OF { [1] INTEGER, [2] OCTET STRING }.
    const filler = 1_200 - 44 - body.length;
    const lengths = [1_196, 1_192, filler + 22, filler + 18, filler + 14, filler + 4, filler].map((length) => length.toString(16).padStart(4, '0'));
    const [message = '', sequence = '', field = '', list = '', entry = '', value = '', octets = ''] = lengths;
    const head = `6a82${message} 3082${sequence} a103020105 a20302010a a382${field} 3082${list} 3082${entry} a1040202ef6e a282${value} 0482${octets}`;
    assert.equal(large.subarray(0, 44).toString('hex'), head.replaceAll(' ', ''));
    assert.ok(large.subarray(44, 44 + filler).every((byte) => byte === 0));
  });

  it('in a DNS query is an OPT record that advertises 1232 bytes and holds the padding option', () => {
    const query = encodeDnsQuery(7, question);
    const large = padDnsQuery(query, 1_452);
    const filler = 1_452 - query.length - 15;
    const word = (value: number): string => value.toString(16).padStart(4, '0');
    assert.equal(large.subarray(query.length, query.length + 15).toString('hex'), `00002904d000000000${word(filler + 4)}000c${word(filler)}`);
    assert.ok(large.subarray(query.length + 15).every((byte) => byte === 0));
    assert.deepEqual([large.readUInt16BE(4), large.readUInt16BE(10)], [1, 1]);
    assert.ok(large.subarray(12, query.length).equals(query.subarray(12)));
  });

  it('in LDAP is attributes that say whose they are, each under a name of its own', () => {
    const names = [
      ...encodeRootDseRequest(1, 4_000)
        .toString('latin1')
        .matchAll(/portmatrix-padding-\d+-x+/g),
    ].map(([name]) => name);
    assert.ok(names.length > 50);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.every((name) => name.length <= 127));
    const ping = encodePing(1, 'corp.example.test', 1_232).toString('latin1');
    const term = ping.slice(ping.indexOf('NtVer') + 'NtVer'.length + 6);
    // One more equality of the filter (RFC 4511 §4.5.1.7), by hand.
    assert.ok(term.startsWith(hex('a382').toString('latin1')));
    assert.match(term.slice(6), /^portmatrix-padding.{4}x{900,}0/s);
    assert.ok(ping.endsWith('\x04\x08Netlogon'));
  });

  it('the whole rootDSE is asked for with an empty list of attributes', () => {
    const request = encodeWholeRootDseRequest(0x12345678);
    assert.equal(
      request.toString('hex'),
      '302802041234567863200400 0a0100 0a0100 020100 020100 010100 870b6f626a656374436c617373 3000'.replaceAll(' ', ''),
    );
  });
});

describe('the answer to a search for all of the rootDSE', () => {
  it('is read, and measured', () => {
    const decoded = measured(decodeSearchReply)(captures.wholeRootDse);
    assert.ok(decoded.kind === 'value');
    assert.equal(decoded.value.bytes, 2_093);
    assert.ok((decoded.value.value.entry?.size ?? 0) > 15);
  });

  it('is not measured before it is whole, nor when it is none', () => {
    assert.equal(measured(decodeSearchReply)(captures.wholeRootDse.subarray(0, 1_400)).kind, 'incomplete');
    assert.equal(measured(decodeSearchReply)(hex('1603')).kind, 'malformed');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readTrace } from '../../agent/codecs/krb5-trace.ts';
import { noticeOf } from '../../agent/ticket.ts';

/** Lines of MIT Kerberos 1.20.1. */
const loading =
  '[32276] 1795647944.100346: Error loading plugin module pkinit: 2/unable to load plugin [/x/preauth/pkinit.so]: cannot open shared object file\n';
const cacheMiss =
  '[32303] 1795647944.579507: Retrieving alice@CORP.EXAMPLE.TEST -> ldap/dc1.corp.example.test@ from FILE:/x/cache with result: -1765328243/Matching credential not found (filename: /x/cache)\n';
const answer = '[32276] 1795647944.100354: Received answer (171 bytes) from stream 10.0.1.10:88\n';
const needsMore = '[32276] 1795647944.100357: Received error from KDC: -1765328359/Additional pre-authentication required\n';
const unknownClient = '[32276] 1795647944.100358: Received error from KDC: -1765328378/Client not found in Kerberos database\n';
const unknownService =
  '[32303] 1795647944.579525: TGS request result: -1765328377/Server ldap/dc1.corp.example.test@CORP.EXAMPLE.TEST not found in Kerberos database\n';
const success = '[31036] 1795647894.980747: TGS request result: 0/Success\n';

const traces: Readonly<Record<string, readonly [trace: string, heard: ReturnType<typeof readTrace>]>> = {
  'nothing was noted': ['', { answered: false }],
  'a cache and plugins are no KDC': [loading + cacheMiss, { answered: false }],
  'a ticket': [cacheMiss + answer + success, { answered: true }],
  'an error of the KDC': [answer + unknownService, { answered: true, errorCode: 7 }],
  'the last error counts': [answer + needsMore + answer + unknownClient, { answered: true, errorCode: 6 }],
  'an error of the library is none of the KDC': [answer + unknownService.replace('-1765328377', '-1765328237'), { answered: true }],
  'another address answered': [answer.replace('10.0.1.10', '10.0.1.1'), { answered: false }],
  'another port answered': [answer.replace(':88', ':8888'), { answered: false }],
  'the answer came over UDP': [answer.replace('stream', 'dgram'), { answered: false }],
  'an error without an answer of this KDC is not its own': [unknownClient, { answered: false }],
};

for (const [name, [trace, heard]] of Object.entries(traces)) {
  test(`a trace: ${name}`, () => assert.deepEqual(readTrace(trace, '10.0.1.10', 88), heard));
}

test('an IPv6 address is known with brackets and without', () => {
  for (const peer of ['fd00::10:88', '[fd00::10]:88']) {
    assert.ok(readTrace(answer.replace('10.0.1.10:88', peer), 'fd00::10', 88).answered, peer);
  }
});

describe('what the process says, and what it means', () => {
  const principal = 'alice@CORP.EXAMPLE.TEST';
  const asked = (line: unknown, trace = answer): unknown => noticeOf(line, () => trace, { principal }, { address: '10.0.1.10', port: 88 });
  const refused = (text: string, trace?: string): unknown => asked({ kind: 'refused', text }, trace);
  const gss = 'Unspecified GSS failure.  Minor code may provide more information: ';

  const cases: Readonly<Record<string, readonly [notice: unknown, expected: unknown]>> = {
    'it asks': [asked({ kind: 'asking' }, ''), { kind: 'asking' }],
    'a ticket of this KDC': [asked({ kind: 'token', token: 'YIID' }), { kind: 'issue', issue: { principal, token: Buffer.from('YIID', 'base64') } }],
    'a ticket that this KDC did not issue counts for nothing': [
      asked({ kind: 'token', token: 'YIID' }, cacheMiss),
      { kind: 'failed', code: 'unclassified', message: 'a ticket came, and not from 10.0.1.10:88 over TCP' },
    ],
    'an error of this KDC': [refused(`${gss}Server not found`, answer + unknownService), { kind: 'issue', issue: { principal, errorCode: 7 } }],
    'a KDC that cannot be contacted': [refused(`${gss}Cannot contact any KDC for realm 'X'`, loading), { kind: 'unreached' }],
    'a key that does not open the answer': [
      refused('No credentials were supplied, or the credentials were unavailable or inaccessible: Decrypt integrity check failed'),
      {
        kind: 'failed',
        code: 'no-credentials',
        message: 'No credentials were supplied, or the credentials were unavailable or inaccessible: Decrypt integrity check failed',
      },
    ],
    'an answer that the library does not take': [
      refused(`${gss}KDC reply did not match expectations`),
      { kind: 'failed', code: 'unclassified', message: 'KDC reply did not match expectations' },
    ],
    'a package that cannot be loaded': [
      asked({ kind: 'not-loaded', trouble: "Cannot find module '../build/Debug/kerberos.node'" }, ''),
      {
        kind: 'failed',
        code: 'not-equipped',
        message:
          "the package kerberos cannot be loaded on the source (it takes MIT Kerberos, libgssapi_krb5, and a build): Cannot find module '../build/Debug/kerberos.node'",
      },
    ],
  };
  for (const [name, [notice, expected]] of Object.entries(cases)) test(name, () => assert.deepEqual(notice, expected));
});

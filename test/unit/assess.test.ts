import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Facts } from '../../agent/contract/fact.ts';
import type { ProbeName } from '../../agent/contract/probe.ts';
import { assess, isIdentityUnknown } from '../../src/assess.ts';
import type { Assessed, ExpectedIdentity } from '../../src/assess/answer.ts';
import type { Limits } from '../../src/matrix.ts';
import type { Finding } from '../../src/verdict.ts';

const limits: Limits = { clockSkewWarnMs: 60_000, clockSkewMs: 300_000, certificateDays: 14, rsaBits: 2048 };
const dc1: ExpectedIdentity = {
  domain: 'corp.example.com',
  dnsName: 'dc1.corp.example.com',
  domainGuid: 'a107ed65-9b7f-4915-a52d-4b2fd81a1c3a',
  readOnly: false,
};
const at = '2026-11-22T08:00:00.000Z';
/** What an AD DC's rootDSE always says, so that other findings stand alone. */
const dc = { domain: 'corp.example.com', dnsName: 'dc1.corp.example.com' } as const;
/** A certificate without fault, with 365 days to go. */
const goodCertificate = {
  tlsProtocol: 'TLSv1.3',
  certificateSubject: 'CN=dc1.corp.example.com',
  certificateNames: ['dc1.corp.example.com'],
  certificateNotBefore: '2026-01-01T00:00:00.000Z',
  certificateNotAfter: '2027-11-22T08:00:00.000Z',
  certificateUsages: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'],
  certificateKeyType: 'rsa',
  certificateKeyBits: 2048,
  certificateSignature: 'sha256WithRSAEncryption',
  certificateChain: 'not-checked',
} as const;

type Case = readonly [
  name: string,
  probe: ProbeName,
  facts: Facts,
  found: readonly Assessed[],
  changed?: {
    readonly listedOverUdp?: readonly string[];
    readonly unreachable?: readonly string[];
    readonly directoryShut?: boolean;
    readonly port?: number;
    readonly range?: string;
    readonly expected?: Partial<ExpectedIdentity>;
    readonly limits?: Partial<Limits>;
  },
];

const lists = { rcode: 'NOERROR', authoritative: true } as const;
const both = ['dc1.corp.example.com', 'dc2.corp.example.com'] as const;
const dcs = [...both.map((dnsName) => ({ dnsName, readOnly: false })), { dnsName: 'rodc1.corp.example.com', readOnly: true, site: 'Branch' }];
const dc3 = { dnsName: 'dc3.corp.example.com', readOnly: false };

const fails = (finding: Finding): readonly Assessed[] => [{ finding, severity: 'fail' }];
const warns = (finding: Finding): readonly Assessed[] => [{ finding, severity: 'warn' }];
const otherHost = (what: 'domain' | 'name' | 'guid', expected: string, actual: string): readonly Assessed[] =>
  fails({ code: 'wrong-host', what, expected, actual });
const otherDomain = (actual: string): readonly Assessed[] => otherHost('domain', 'corp.example.com', actual);
const nothing: readonly Assessed[] = [];

const cases: Readonly<Record<string, readonly Case[]>> = {
  identity: [
    ['a DC that answers as expected has no finding, whatever the case', 'cldap', { ...dc, dnsName: 'DC1.Corp.Example.COM.' }, nothing],
    ['another domain in the LDAP ping is another host', 'cldap', { domain: 'other.test', dnsName: dc.dnsName }, otherDomain('other.test')],
    ['an LDAP ping without a domain is a DC of another domain', 'cldap', { resultCode: 0 }, otherDomain('(none)')],
    ['empty names count as none', 'cldap', { domain: '', forest: '', netbiosDomain: '', dnsName: '' }, otherDomain('(none)')],
    ...[1, 10, 48, 50, 53].flatMap((resultCode): readonly Case[] => [
      [`a rootDSE that ends with error ${resultCode} is not Active Directory's`, 'ldap', { resultCode }, fails({ code: 'not-active-directory' })],
      [`an LDAP ping that ends with error ${resultCode} is answered by no DC`, 'cldap', { resultCode }, fails({ code: 'not-active-directory' })],
    ]),
    ...[8, 51, 52].flatMap((resultCode): readonly Case[] => [
      [`a rootDSE that is refused with error ${resultCode} warns`, 'ldap', { resultCode }, warns({ code: 'ldap-refused', resultCode })],
      [`an LDAP ping that is refused with error ${resultCode} warns`, 'cldap', { resultCode }, warns({ code: 'ldap-refused', resultCode })],
    ]),
    ...[2, 32, 49, 80].map((resultCode): Case => [
      `a rootDSE that is refused with error ${resultCode} fails`,
      'ldap',
      { resultCode },
      fails({ code: 'ldap-refused', resultCode }),
    ]),
    [
      'a notice of disconnection warns, whatever its code',
      'ldap',
      { resultCode: 2, disconnected: true },
      warns({ code: 'ldap-refused', resultCode: 2, disconnected: true }),
    ],
    [
      'a notice of disconnection without an error warns',
      'ldap',
      { resultCode: 0, disconnected: true },
      warns({ code: 'ldap-refused', resultCode: 0, disconnected: true }),
    ],
    [
      'a notice of disconnection after the entry warns, and the entry counts',
      'ldap',
      { ...dc, domain: 'other.test', resultCode: 52, disconnected: true },
      [...warns({ code: 'ldap-refused', resultCode: 52, disconnected: true }), ...otherDomain('other.test')],
    ],
    ['an entry before an error code counts', 'ldap', { ...dc, resultCode: 4 }, nothing],
    [
      'an LDAP ping for no domain that names none is no DC',
      'cldap',
      {},
      fails({ code: 'not-active-directory' }),
      { expected: { domain: undefined } },
    ],
    ['an unknown domain is not compared', 'cldap', { ...dc, domain: 'other.test' }, nothing, { expected: { domain: undefined } }],
    [
      'another GUID of the domain is another host',
      'cldap',
      { ...dc, domainGuid: '00000000-0000-0000-0000-000000000000' },
      otherHost('guid', 'a107ed65-9b7f-4915-a52d-4b2fd81a1c3a', '00000000-0000-0000-0000-000000000000'),
    ],
    ['the same GUID is the same host', 'cldap', { ...dc, domainGuid: 'A107ED65-9B7F-4915-A52D-4B2FD81A1C3A' }, nothing],
    [
      'an unexpected GUID is not compared',
      'cldap',
      { ...dc, domainGuid: '00000000-0000-0000-0000-000000000000' },
      nothing,
      { expected: { domainGuid: undefined } },
    ],
    [
      'another DC of the domain is another host',
      'ldap',
      { ...dc, dnsName: 'dc2.corp.example.com' },
      otherHost('name', 'dc1.corp.example.com', 'dc2.corp.example.com'),
    ],
    [
      'the same label in another domain is another host',
      'ldap',
      { ...dc, dnsName: 'dc1.other.test' },
      otherHost('name', 'dc1.corp.example.com', 'dc1.other.test'),
    ],
    ['a bare expected name is compared by its label', 'ldap', { ...dc, dnsName: 'dc1.other.test' }, nothing, { expected: { dnsName: 'DC1' } }],
    ['a bare answer is compared by its label', 'ldap', { ...dc, dnsName: 'DC1' }, nothing],
    [
      'a bare expected name with another label is another host',
      'ldap',
      dc,
      otherHost('name', 'dc2', 'dc1.corp.example.com'),
      { expected: { dnsName: 'dc2' } },
    ],
    ['a rootDSE of another domain is another host', 'ldap', { ...dc, domain: 'other.test' }, otherDomain('other.test')],
    ['a rootDSE without a domain is not Active Directory', 'ldap', { resultCode: 0 }, fails({ code: 'not-active-directory' })],
    ['a rootDSE with a host name alone is not Active Directory', 'ldap', { dnsName: dc.dnsName }, fails({ code: 'not-active-directory' })],
    [
      'wrong domain and wrong name are two findings',
      'ldap',
      { domain: 'other.test', dnsName: 'x.other.test' },
      [...otherDomain('other.test'), ...otherHost('name', 'dc1.corp.example.com', 'x.other.test')],
    ],
    ['a NetBIOS name is compared with the label', 'netbios', { netbiosName: 'DC1', netbiosDomain: 'ANY' }, nothing],
    ['another NetBIOS name is another host', 'netbios', { netbiosName: 'DC2' }, otherHost('name', 'dc1', 'DC2')],
    [
      'a NetBIOS name is cut at 15 characters',
      'netbios',
      { netbiosName: 'A-VERY-LONG-HOS' },
      nothing,
      { expected: { dnsName: 'a-very-long-hostname.corp.example.com' } },
    ],
    ['a DC in a mailslot is compared by its names', 'netbios-datagram', { ...dc, domain: 'other.test' }, otherDomain('other.test')],
    ['a DC in a mailslot may be paused', 'netbios-datagram', { ...dc, paused: true }, warns({ code: 'paused' })],
    ['a DC in a mailslot that names nobody is not compared', 'netbios-datagram', {}, nothing],
    ['a remote desktop with TLS or CredSSP has no finding', 'rdp', { rdpSecurity: 'tls' }, nothing],
    ["a remote desktop that chooses RDP's own security warns", 'rdp', { rdpSecurity: 'rdp' }, warns({ code: 'rdp-without-tls' })],
    ['a remote desktop that refuses what it is offered warns', 'rdp', { rdpFailure: 3 }, warns({ code: 'rdp-refused', failure: 3 })],
    ["a remote desktop's UDP transport has no finding", 'rdp', {}, nothing],
    ['an acknowledged preamble has no finding', 'adws', {}, nothing],
    ['a preamble that is refused warns', 'adws', { framingFault: 'ServerTooBusy' }, warns({ code: 'framing-refused', fault: 'ServerTooBusy' })],
    ...[200, 401, 405].map((httpStatus): Case => [`WinRM with status ${httpStatus} has no finding`, 'winrm', { httpStatus }, nothing]),
    ...[400, 404, 500, 503].flatMap((httpStatus): readonly Case[] => [
      [`http.sys with status ${httpStatus} warns`, 'winrm', { httpStatus }, warns({ code: 'winrm-refused', status: httpStatus })],
      [
        `http.sys with status ${httpStatus} inside TLS warns`,
        'winrm-tls',
        { ...goodCertificate, httpStatus },
        warns({ code: 'winrm-refused', status: httpStatus }),
      ],
    ]),
    ['Basic in the clear warns', 'winrm', { httpStatus: 401, httpSchemes: ['basic', 'negotiate'] }, warns({ code: 'basic-in-clear' })],
    ['other schemes in the clear do not', 'winrm', { httpStatus: 401, httpSchemes: ['kerberos', 'negotiate'] }, nothing],
    ['Basic inside TLS has no finding', 'winrm-tls', { ...goodCertificate, httpStatus: 401, httpSchemes: ['basic', 'negotiate'] }, nothing],
    [
      'WinRM inside TLS is judged by its certificate',
      'winrm-tls',
      { ...goodCertificate, certificateNames: ['other.test'], httpStatus: 200 },
      fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['other.test'] }),
    ],
    ...['kerberos', 'negotiate', 'ntlm'].map((scheme): Case => [
      `a gateway that wants a logon with ${scheme} has no finding`,
      'rdgw',
      { ...goodCertificate, httpStatus: 401, httpSchemes: ['basic', scheme] },
      nothing,
    ]),
    ...[[], ['basic', 'digest']].map((httpSchemes): Case => [
      `a web server that wants a logon with ${httpSchemes.join(' or ') || 'nothing'} may be none`,
      'rdgw',
      { ...goodCertificate, httpStatus: 401, httpSchemes },
      warns({ code: 'no-gateway', status: 401 }),
    ]),
    ...[500, 502, 503, 504].map((httpStatus): Case => [
      `a gateway that answers ${httpStatus} does not serve now, and warns`,
      'rdgw',
      { ...goodCertificate, httpStatus },
      warns({ code: 'no-gateway', status: httpStatus }),
    ]),
    ...[200, 302, 400, 403, 404, 405, 501].map((httpStatus): Case => [
      `a web server that answers ${httpStatus} is no gateway`,
      'rdgw',
      { ...goodCertificate, httpStatus, httpSchemes: ['negotiate'] },
      fails({ code: 'no-gateway', status: httpStatus }),
    ]),
    [
      'a gateway is judged by its certificate',
      'rdgw',
      { ...goodCertificate, certificateNames: ['other.test'], httpStatus: 401, httpSchemes: ['ntlm'] },
      fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['other.test'] }),
    ],
    ['a NetBIOS session names nobody', 'netbios', { sessionCode: '82' }, nothing],
    ['a name service that refuses its names warns', 'netbios', { nameServiceError: 3 }, warns({ code: 'name-service-refused', errorCode: 3 })],
  ],
  kerberos: [
    ['a realm is the domain in upper case', 'kerberos', { realm: 'CORP.EXAMPLE.COM', errorCode: 25 }, nothing],
    ['another realm is another host', 'kerberos', { realm: 'OTHER.TEST', errorCode: 25 }, otherDomain('OTHER.TEST')],
    [
      'an unknown principal proves no realm, and is a complaint',
      'kerberos',
      { realm: 'OTHER.TEST', errorCode: 6 },
      warns({ code: 'kdc-complaint', errorCode: 6 }),
    ],
    ['a wrong realm is another host', 'kerberos', { realm: 'OTHER.TEST', errorCode: 68 }, otherDomain('OTHER.TEST')],
    ['a wrong realm that echoes ours names none', 'kerberos', { realm: 'CORP.EXAMPLE.COM', errorCode: 68 }, otherDomain('(none)')],
    ['a wrong realm without a name names none', 'kerberos', { errorCode: 68 }, otherDomain('(none)')],
    [
      'a wrong realm that we guessed is a complaint',
      'kerberos',
      { errorCode: 68 },
      warns({ code: 'kdc-complaint', errorCode: 68 }),
      { expected: { domain: undefined } },
    ],
    [
      'a ticket without pre-authentication warns',
      'kerberos',
      { errorCode: 0, realm: 'CORP.EXAMPLE.COM', principal: 'DC1$' },
      warns({ code: 'no-preauthentication', principal: 'DC1$' }),
    ],
    ['error 25 is the answer of a healthy KDC', 'kerberos', { errorCode: 25 }, nothing],
    ...[3, 6, 7, 12, 13, 14, 18, 24, 29, 31, 37, 41, 52, 60, 61, 75].map((errorCode): Case => [
      `error ${errorCode} is a complaint`,
      'kerberos',
      { errorCode },
      warns({ code: 'kdc-complaint', errorCode }),
    ]),
    ...(['ldap-ticket', 'cifs-ticket'] as const).flatMap((probe): readonly Case[] => {
      const service = `${probe.slice(0, 4)}/dc1.corp.example.com`;
      const refused = (errorCode: number): Finding => ({ code: 'ticket-refused', service, errorCode });
      return [
        [`${probe}: a ticket is what was asked for`, probe, { errorCode: 0, servicePrincipal: service, realm: 'CORP.EXAMPLE.COM' }, []],
        ...[7, 14, 29, 31, 37, 41].map((errorCode): Case => [
          `${probe}: error ${errorCode} is one for every client`,
          probe,
          { errorCode, servicePrincipal: service },
          fails(refused(errorCode)),
        ]),
        ...[6, 12, 18, 23, 24, 32, 60, 99].map((errorCode): Case => [
          `${probe}: error ${errorCode} is about the credentials`,
          probe,
          { errorCode, servicePrincipal: service },
          warns(refused(errorCode)),
        ]),
      ];
    }),
    ['a bind that succeeds is what was asked for', 'ldap-bind', { resultCode: 0 }, []],
    ['a bind that goes on was not refused', 'ldap-bind', { resultCode: 14 }, []],
    ...[7, 49, 53, 80].map((resultCode): Case => [
      `a bind refused with ${resultCode} serves nobody`,
      'ldap-bind',
      { resultCode },
      fails({ code: 'bind-refused', resultCode }),
    ]),
    ...[8, 51, 52].map((resultCode): Case => [
      `a bind refused with ${resultCode} says nothing against the ticket`,
      'ldap-bind',
      { resultCode },
      warns({ code: 'bind-refused', resultCode }),
    ]),
    [
      'a server that hangs up instead warns',
      'ldap-bind',
      { resultCode: 52, disconnected: true },
      warns({ code: 'bind-refused', resultCode: 52, disconnected: true }),
    ],
    [
      'an answer too big whose follow-up failed is told by that',
      'kerberos',
      { errorCode: 52, followUp: 'tcp: no-response' },
      warns({ code: 'follow-up', what: 'tcp: no-response' }),
    ],
    ...[2, 7, 31, 36, 41, 60].map((errorCode): Case => [`kpasswd: any error proves the service (${errorCode})`, 'kpasswd', { errorCode }, nothing]),
    ['kpasswd: another realm is another host', 'kpasswd', { realm: 'OTHER.TEST', errorCode: 2 }, otherDomain('OTHER.TEST')],
    [
      'kpasswd: a refusal about another service warns',
      'kpasswd',
      { errorCode: 60, servicePrincipal: 'krbtgt/CORP.EXAMPLE.COM' },
      warns({ code: 'other-service', service: 'krbtgt/CORP.EXAMPLE.COM' }),
    ],
    ['kpasswd: a wrong realm is another host', 'kpasswd', { errorCode: 68 }, otherDomain('(none)')],
  ],
  clock: [
    ['skew at the warning limit is nothing', 'kerberos', { clockOffsetMs: 60_000, clockUncertaintyMs: 0 }, nothing],
    [
      'skew over the warning limit warns',
      'kerberos',
      { clockOffsetMs: 60_001, clockUncertaintyMs: 0 },
      warns({ code: 'clock-skew', offsetMs: 60_001, limitMs: 60_000 }),
    ],
    ['a clock behind counts as much', 'ntp', { clockOffsetMs: -60_001 }, warns({ code: 'clock-skew', offsetMs: -60_001, limitMs: 60_000 })],
    ['skew at the limit only warns', 'smb', { clockOffsetMs: 300_000 }, warns({ code: 'clock-skew', offsetMs: 300_000, limitMs: 60_000 })],
    ['skew over the limit fails', 'smb', { clockOffsetMs: 300_001 }, fails({ code: 'clock-skew', offsetMs: 300_001, limitMs: 300_000 })],
    ['what may be uncertainty is not skew', 'ldap', { ...dc, clockOffsetMs: 61_000, clockUncertaintyMs: 1_000 }, nothing],
    [
      'what may be uncertainty does not fail',
      'ldap',
      { ...dc, clockOffsetMs: -301_000, clockUncertaintyMs: 1_000 },
      warns({ code: 'clock-skew', offsetMs: -301_000, limitMs: 60_000 }),
    ],
  ],
  ntp: [
    ['a synchronized server has no finding', 'ntp', { leap: 0, stratum: 2 }, nothing],
    ['a local clock at stratum 5 is there by design', 'ntp', { leap: 0, stratum: 5, referenceId: '127.127.1.1' }, nothing],
    ['stratum 10 is no deeper than it may be', 'ntp', { leap: 0, stratum: 10, referenceId: '127.127.1.1' }, nothing],
    ...[11, 15].map((stratum): Case => [`stratum ${stratum} is a local clock`, 'ntp', { leap: 0, stratum }, warns({ code: 'clock-local', stratum })]),
    ['LOCL at stratum 1 is a local clock', 'ntp', { leap: 0, stratum: 1, referenceId: 'LOCL' }, warns({ code: 'clock-local', stratum: 1 })],
    ['GPS at stratum 1 is none', 'ntp', { leap: 0, stratum: 1, referenceId: 'GPS' }, nothing],
    ['a local clock that is not synchronized is one finding', 'ntp', { leap: 3, stratum: 12 }, warns({ code: 'clock-not-synchronized' })],
    ['stratum 16 is not synchronized', 'ntp', { leap: 0, stratum: 16 }, warns({ code: 'clock-not-synchronized' })],
    ['leap 3 is not synchronized', 'ntp', { leap: 3, stratum: 2 }, warns({ code: 'clock-not-synchronized' })],
    ['stratum 0 without a kiss is not synchronized', 'ntp', { leap: 0, stratum: 0 }, warns({ code: 'clock-not-synchronized' })],
    [
      'a kiss refuses the time, and what its clock says is void',
      'ntp',
      { leap: 3, stratum: 0, kissCode: 'DENY', clockOffsetMs: 1e9 },
      warns({ code: 'time-refused', kissCode: 'DENY' }),
    ],
  ],
  'the DCs that DNS lists': [
    ...([[], [dc3]] as const).map((more): Case => [
      `all ${2 + more.length} writable ones of the inventory, and a read-only one missing, have no finding`,
      'dns',
      { ...lists, srvTargets: ['DC1.corp.example.com.', 'dc2.corp.example.com', ...more.map(({ dnsName }) => dnsName)] },
      nothing,
      { expected: { dcs: [...dcs, ...more] } },
    ]),
    [
      'a read-only one that is listed is no stranger, and yet takes clients of every site',
      'dns',
      { ...lists, srvTargets: [...both, 'RODC1.corp.example.com'] },
      warns({ code: 'read-only-dcs-registered', names: ['rodc1.corp.example.com'] }),
      { expected: { dcs } },
    ],
    [
      'a read-only one in its own site is where it should be',
      'dns',
      { ...lists, srvTargets: both, siteTargets: ['rodc1.corp.example.com'] },
      nothing,
      { expected: { dcs, askedSite: 'BRANCH' } },
    ],
    [
      'a read-only one that its own site lacks warns',
      'dns',
      { ...lists, srvTargets: both, siteTargets: [] },
      warns({ code: 'dcs-not-in-site', site: 'branch', names: ['rodc1.corp.example.com'] }),
      { expected: { dcs, askedSite: 'branch' } },
    ],
    [
      'a writable one stands in the list of its site too',
      'dns',
      { ...lists, srvTargets: both, siteTargets: ['rodc1.corp.example.com'] },
      warns({ code: 'dcs-not-in-site', site: 'Branch', names: ['dc2.corp.example.com'] }),
      { expected: { dcs: dcs.map((one) => ({ ...one, site: one.dnsName.startsWith('dc1') ? 'HQ' : 'Branch' })), askedSite: 'Branch' } },
    ],
    [
      'of a site whose list is as long as may be told prove nothing missing',
      'dns',
      { ...lists, srvTargets: both, siteTargets: Array.from({ length: 64 }, () => 'dc1.corp.example.com') },
      nothing,
      { expected: { dcs, askedSite: 'Branch' } },
    ],
    [
      'one that only a site has is a stranger too',
      'dns',
      { ...lists, srvTargets: both, siteTargets: ['rodc1.corp.example.com', 'rodc9.corp.example.com'] },
      warns({ code: 'unknown-dcs', names: ['rodc9.corp.example.com'] }),
      { expected: { dcs, askedSite: 'Branch' } },
    ],
    [
      'another writable one that is not listed warns',
      'dns',
      { ...lists, srvTargets: ['dc1.corp.example.com'] },
      warns({ code: 'dcs-not-registered', names: ['dc2.corp.example.com'] }),
      { expected: { dcs } },
    ],
    [
      'a read-only server is held to the list of the others, and not to its own name',
      'dns',
      { ...lists, srvTargets: ['dc1.corp.example.com'] },
      warns({ code: 'dcs-not-registered', names: ['dc2.corp.example.com'] }),
      { expected: { dcs, dnsName: 'rodc1.corp.example.com', readOnly: true } },
    ],
    [
      'one that the inventory does not have warns',
      'dns',
      { ...lists, srvTargets: [...both, 'old.corp.example.com'] },
      warns({ code: 'unknown-dcs', names: ['old.corp.example.com'] }),
      { expected: { dcs } },
    ],
    [
      'are compared by their first label where only that is known',
      'dns',
      { ...lists, srvTargets: [...both, 'dc4.corp.example.com'] },
      warns({ code: 'unknown-dcs', names: ['dc4.corp.example.com'] }),
      { expected: { dcs: [...dcs.slice(0, 1), { dnsName: 'DC2', readOnly: false }] } },
    ],
    ['are not compared where nobody wrote them down', 'dns', { ...lists, srvTargets: [...both, 'old.corp.example.com'] }, nothing],
    [
      'of a shortened list prove a stranger and nothing missing',
      'dns',
      { ...lists, srvTargets: ['dc1.corp.example.com', 'old.corp.example.com'], srvTotal: 300 },
      warns({ code: 'unknown-dcs', names: ['old.corp.example.com'] }),
      { expected: { dcs } },
    ],
    ['of a truncated list prove nothing', 'dns', { ...lists, truncated: true, srvTargets: ['old.corp.example.com'] }, nothing, { expected: { dcs } }],
    [
      'are the same over both transports, whatever their case',
      'dns',
      { ...lists, srvTargets: both },
      nothing,
      { listedOverUdp: [...both].map((name) => name.toUpperCase()) },
    ],
    [
      'that differ over TCP and UDP warn',
      'dns',
      { ...lists, srvTargets: ['dc1.corp.example.com', 'dc3.corp.example.com'] },
      warns({ code: 'dns-disagrees', onlyTcp: ['dc3.corp.example.com'], onlyUdp: ['dc2.corp.example.com'] }),
      { listedOverUdp: both },
    ],
    [
      'of a shortened list are not compared with the other transport',
      'dns',
      { ...lists, srvTargets: ['dc1.corp.example.com'], srvTotal: 300 },
      nothing,
      { listedOverUdp: both },
    ],
  ],
  'the addresses that DNS gives the DC': [
    [
      'that the inventory has and that answer have no finding',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '2001:db8:0:0:0:0:0:1'] },
      nothing,
      { expected: { addresses: ['10.0.1.10', '2001:db8::1'] }, unreachable: ['10.9.9.9'] },
    ],
    [
      'from which nothing came warn',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '2001:db8:0:0:0:0:0:1'] },
      warns({ code: 'dc-registers-unreachable-address', name: dc.dnsName, addresses: ['2001:db8:0:0:0:0:0:1'] }),
      { expected: { addresses: ['10.0.1.10', '2001:db8::1'] }, unreachable: ['2001:db8::1'] },
    ],
    [
      'that the inventory does not have warn, whatever they look like',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '169.254.7.7', 'no address'] },
      warns({ code: 'dc-registers-unknown-address', name: dc.dnsName, addresses: ['169.254.7.7', 'no address'] }),
      { expected: { addresses: ['10.0.1.10'] } },
    ],
    ['are not compared where none are known', 'dns', { ...lists, srvTargets: both, ownAddresses: ['169.254.7.7'] }, nothing],
    [
      'that the inventory does not have, and that let this source in, have no finding',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '2001:db8:0:0:0:0:0:1'], otherAddresses: ['2001:db8:0:0:0:0:0:1 open'] },
      nothing,
      { expected: { addresses: ['10.0.1.10'] } },
    ],
    [
      'that did not let this source in warn',
      'dns',
      {
        ...lists,
        srvTargets: both,
        ownAddresses: ['10.0.1.10', '10.0.9.1', '10.0.9.2', '10.0.9.3'],
        otherAddresses: ['10.0.9.1 filtered no-response', '10.0.9.2 closed conn-refused', '10.0.9.3 open'],
      },
      warns({ code: 'dc-registers-unreachable-address', name: dc.dnsName, addresses: ['10.0.9.1', '10.0.9.2'] }),
      { expected: { addresses: ['10.0.1.10'] } },
    ],
    [
      'that are shut as the one that was asked is say nothing more',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '10.0.9.1'], otherAddresses: ['10.0.9.1 filtered no-response'] },
      nothing,
      { expected: { addresses: ['10.0.1.10'] }, directoryShut: true },
    ],
    [
      'that lead every host to itself warn, though something lets it in there',
      'dns',
      {
        ...lists,
        srvTargets: both,
        ownAddresses: ['0:0:0:0:0:0:0:1', '10.0.1.10', '127.0.0.1'],
        otherAddresses: ['0:0:0:0:0:0:0:1 open', '127.0.0.1 open'],
      },
      warns({ code: 'dc-registers-unreachable-address', name: dc.dnsName, addresses: ['0:0:0:0:0:0:0:1', '127.0.0.1'] }),
      { expected: { addresses: ['10.0.1.10'] } },
    ],
    [
      'of a family for which the source has no route are none that its clients are sent to',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '2001:db8:0:0:0:0:0:1'], otherAddresses: ['2001:db8:0:0:0:0:0:1 unsupported'] },
      nothing,
      { expected: { addresses: ['10.0.1.10'] } },
    ],
    [
      'that the source was kept from dialling warn, since nobody asked them',
      'dns',
      { ...lists, srvTargets: both, ownAddresses: ['10.0.1.10', '10.0.9.1'], otherAddresses: ['10.0.9.1 source-denied'] },
      warns({ code: 'dc-registers-unknown-address', name: dc.dnsName, addresses: ['10.0.9.1'] }),
      { expected: { addresses: ['10.0.1.10'] } },
    ],
  ],
  sites: [
    [
      'as the inventory has them have no finding, whatever their case',
      'cldap',
      { ...dc, site: 'HQ', clientSite: 'aws' },
      nothing,
      { expected: { site: 'hq', clientSite: 'AWS' } },
    ],
    ['are not compared where the inventory names none', 'cldap', { ...dc, site: 'HQ', clientSite: '' }, nothing],
    ['are not compared where the DC tells none', 'cldap', { ...dc, site: '' }, nothing, { expected: { site: 'hq', clientSite: 'aws' } }],
    [
      'a DC in another one warns',
      'cldap',
      { ...dc, site: 'Branch' },
      warns({ code: 'wrong-site', whose: 'dc', expected: 'hq', actual: 'Branch' }),
      { expected: { site: 'hq' } },
    ],
    [
      'a source in another one warns',
      'cldap',
      { ...dc, clientSite: 'hq' },
      warns({ code: 'wrong-site', whose: 'source', expected: 'aws', actual: 'hq' }),
      { expected: { clientSite: 'aws' } },
    ],
    [
      'a source in none warns: its subnet is missing',
      'cldap',
      { ...dc, clientSite: '' },
      warns({ code: 'wrong-site', whose: 'source', expected: 'aws', actual: '' }),
      { expected: { clientSite: 'aws' } },
    ],
  ],
  dns: [
    [
      'an authoritative answer that names the DC has no finding',
      'dns',
      { rcode: 'NOERROR', authoritative: true, srvTargets: ['dc1.corp.example.com', 'dc2.corp.example.com'] },
      nothing,
    ],
    ...['NXDOMAIN', 'REFUSED', 'SERVFAIL', 'NOTAUTH'].map((rcode): Case => [
      `${rcode} fails`,
      'dns',
      { rcode, authoritative: false, srvTargets: [] },
      fails({ code: 'dns-failure', rcode }),
    ]),
    [
      'NXDOMAIN for a domain that nobody named warns',
      'dns',
      { rcode: 'NXDOMAIN' },
      warns({ code: 'dns-failure', rcode: 'NXDOMAIN' }),
      { expected: { domain: undefined } },
    ],
    ['FORMERR warns', 'dns', { rcode: 'FORMERR' }, warns({ code: 'dns-failure', rcode: 'FORMERR' })],
    [
      'a forwarder warns',
      'dns',
      { rcode: 'NOERROR', authoritative: false, srvTargets: ['dc1.corp.example.com'] },
      warns({ code: 'not-authoritative' }),
    ],
    [
      'a DC that is not registered warns',
      'dns',
      { rcode: 'NOERROR', authoritative: true, srvTargets: ['dc2.corp.example.com'] },
      warns({ code: 'not-registered', name: 'dc1.corp.example.com', registered: ['dc2.corp.example.com'] }),
    ],
    ['no registered DC at all fails', 'dns', { rcode: 'NOERROR', authoritative: true, srvTargets: [] }, fails({ code: 'no-srv' })],
    [
      'no registered DC at all fails for a read-only DC too',
      'dns',
      { rcode: 'NOERROR', authoritative: true, srvTargets: [] },
      fails({ code: 'no-srv' }),
      { expected: { readOnly: true } },
    ],
    [
      'no registered DC in a domain that nobody named warns',
      'dns',
      { rcode: 'NOERROR', authoritative: true, srvTargets: [] },
      warns({ code: 'no-srv' }),
      { expected: { domain: undefined } },
    ],
    [
      'a referral without any record fails, and is not authoritative',
      'dns',
      { rcode: 'NOERROR', authoritative: false, srvTargets: [] },
      [...warns({ code: 'not-authoritative' }), ...fails({ code: 'no-srv' })],
    ],
    [
      'a read-only DC registers only in its site',
      'dns',
      { rcode: 'NOERROR', srvTargets: ['dc2.corp.example.com'] },
      nothing,
      { expected: { readOnly: true } },
    ],
    [
      'of a shortened list the finding says how long it was',
      'dns',
      { rcode: 'NOERROR', authoritative: true, srvTargets: ['dc2.corp.example.com'], srvTotal: 201 },
      warns({ code: 'not-registered', name: 'dc1.corp.example.com', registered: ['dc2.corp.example.com'], total: 201 }),
    ],
    ['a truncated list proves nothing missing', 'dns', { rcode: 'NOERROR', authoritative: true, truncated: true, srvTargets: [] }, nothing],
    ['an unanswered second question warns', 'dns', { rcode: 'NOERROR', truncated: true, followUp: 'x' }, warns({ code: 'follow-up', what: 'x' })],
  ],
  ldap: [
    ['a DC that does not advertise itself warns', 'cldap', { ...dc, paused: true }, warns({ code: 'paused' })],
    ['a DC that advertises itself has no finding', 'cldap', { ...dc, paused: false }, nothing],
    ['a DC out of step warns', 'ldap', { ...dc, synchronized: false }, warns({ code: 'not-synchronized' })],
    ['a DC in step has no finding', 'ldap', { ...dc, synchronized: true, globalCatalogReady: true }, nothing, { port: 3268 }],
    ...[3268, 3269].map((port): Case => [
      `a global catalog that does not serve fails on ${port}`,
      'ldap',
      { ...dc, globalCatalogReady: false },
      fails({ code: 'global-catalog-not-ready' }),
      { port },
    ]),
    ['389 needs no global catalog', 'ldap', { ...dc, globalCatalogReady: false }, nothing, { port: 389 }],
    ['a global catalog that says nothing has no finding', 'ldap', dc, nothing, { port: 3268 }],
  ],
  smb: [
    ['SMB 3.1.1 with signing has no finding', 'smb', { dialect: '3.1.1', signingRequired: true }, nothing],
    ['SMB 3.0 is not old', 'smb', { dialect: '3.0' }, nothing],
    ['signing that is not required warns', 'smb', { dialect: '3.1.1', signingRequired: false }, warns({ code: 'signing-not-required' })],
    ['a refusal to negotiate fails', 'smb', { smbRefusal: '0xc0000022' }, fails({ code: 'negotiation-refused', status: '0xc0000022' })],
    ['a server that takes no dialect fails', 'smb', { smbRefusal: 'no-dialect' }, fails({ code: 'negotiation-refused', status: 'no-dialect' })],
    ['"not supported" warns', 'smb', { smbRefusal: '0xc00000bb' }, warns({ code: 'negotiation-refused', status: '0xc00000bb' })],
    ...['1', '2.0.2', '2.1'].map((dialect): Case => [`SMB ${dialect} is old`, 'smb', { dialect }, warns({ code: 'dialect-old', dialect })]),
  ],
  rpc: [
    ['a server on the port dialled has no finding', 'rpc', { rpcSecondaryPort: 49_664 }, nothing, { port: 49_664 }],
    [
      'another port than the one dialled is translation',
      'rpc',
      { rpcSecondaryPort: 49_664 },
      warns({ code: 'port-translated', dialled: 50_000, actual: 49_664 }),
      { port: 50_000 },
    ],
    ['a port within the range has no finding', 'rpc', {}, nothing, { port: 49_152, range: '49152-65535' }],
    [
      'a port outside the range warns',
      'rpc',
      {},
      warns({ code: 'port-outside-range', port: 49_151, range: '49152-65535' }),
      { port: 49_151, range: '49152-65535' },
    ],
    ['the endpoint mapper too can be translated', 'epm', { rpcSecondaryPort: 135 }, nothing, { port: 135 }],
    [
      'an endpoint mapper that refuses strangers warns, once',
      'epm',
      { rpcAnonymousRefused: true, rpcPorts: {}, rpcAbsent: [], complaint: 'ept_map fault 0x00000005' },
      warns({ code: 'anonymous-refused' }),
    ],
    ['an endpoint mapper that refuses the bind warns', 'epm', { complaint: 'bind_nak' }, warns({ code: 'rpc-refused', why: 'bind_nak' })],
    [
      'an endpoint mapper that answers only some questions warns',
      'epm',
      { rpcPorts: { drsuapi: 49_664 }, rpcAbsent: [], complaint: 'ept_map netlogon 0x16c9a0d8' },
      warns({ code: 'rpc-refused', why: 'ept_map netlogon 0x16c9a0d8' }),
    ],
    [
      'an endpoint mapper that says nothing of any interface warns',
      'epm',
      { rpcPorts: {}, rpcAbsent: [] },
      warns({ code: 'rpc-refused', why: 'it names no interface, and says of none that it is not there' }),
    ],
    ['an endpoint mapper that has nothing registered has no finding', 'epm', { rpcPorts: {}, rpcAbsent: ['drsuapi'] }, nothing],
    ...['congestion', 'local-limit', 'version'].map((rpcRefusal): Case => [
      `a bind refused for ${rpcRefusal} warns`,
      'rpc',
      { rpcRefusal, complaint: 'why' },
      warns({ code: 'rpc-refused', why: 'why' }),
    ]),
    ['a bind refused for anything else fails', 'rpc', { rpcRefusal: 'other', complaint: 'why' }, fails({ code: 'rpc-refused', why: 'why' })],
  ],
  certificate: [
    ...(
      [
        ['a faultless certificate has no finding', {}, nothing],
        ['a trusted chain has no finding', { certificateChain: 'trusted' }, nothing],
        [
          'an untrusted chain fails',
          { certificateChain: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
          fails({ code: 'certificate-untrusted', why: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
        ],
        ['the last instant is still valid', { certificateNotAfter: at }, warns({ code: 'certificate-expires-soon', notAfter: at, days: 0 })],
        [
          'past its last instant it is expired',
          { certificateNotAfter: '2026-11-22T07:59:59.999Z' },
          fails({ code: 'certificate-expired', notAfter: '2026-11-22T07:59:59.999Z' }),
        ],
        ['the first instant is valid', { certificateNotBefore: at }, nothing],
        [
          'before its first instant it is not yet valid',
          { certificateNotBefore: '2026-11-22T08:00:00.001Z' },
          fails({ code: 'certificate-not-yet-valid', notBefore: '2026-11-22T08:00:00.001Z' }),
        ],
        [
          'exactly the days of the limit warn',
          { certificateNotAfter: '2026-12-06T08:00:00.000Z' },
          warns({ code: 'certificate-expires-soon', notAfter: '2026-12-06T08:00:00.000Z', days: 14 }),
        ],
        ['more than the days of the limit is nothing', { certificateNotAfter: '2026-12-06T08:00:00.001Z' }, nothing],
        ['the name may be any of several, in any case', { certificateNames: ['a.test', 'DC1.CORP.EXAMPLE.COM'] }, nothing],
        [
          'another name fails',
          { certificateNames: ['dc2.corp.example.com'] },
          fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['dc2.corp.example.com'] }),
        ],
        [
          'a bare name does not cover the full one',
          { certificateNames: ['dc1'] },
          fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['dc1'] }),
        ],
        ['a wildcard stands for the left-most label', { certificateNames: ['*.corp.example.com'] }, nothing],
        [
          'a wildcard stands for one label only',
          { certificateNames: ['*.example.com'] },
          fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['*.example.com'] }),
        ],
        [
          'a wildcard elsewhere stands for nothing',
          { certificateNames: ['dc1.*.example.com', 'dc*.corp.example.com', '*'] },
          fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['dc1.*.example.com', 'dc*.corp.example.com', '*'] }),
        ],
        [
          'without alternative names the right subject warns',
          { certificateNames: [], certificateSubject: 'O=Samba Administration, CN=DC1.corp.example.com' },
          warns({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: [] }),
        ],
        [
          'without alternative names another subject fails',
          { certificateNames: [], certificateSubject: 'CN=dc2.corp.example.com' },
          fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: [] }),
        ],
        ['no usage extension allows every usage', { certificateUsages: [] }, nothing],
        ['client authentication alone fails', { certificateUsages: ['1.3.6.1.5.5.7.3.2'] }, fails({ code: 'certificate-usage' })],
        ['any usage warns', { certificateUsages: ['2.5.29.37.0'] }, warns({ code: 'certificate-usage' })],
        ['an RSA key below the limit is weak', { certificateKeyBits: 2047 }, warns({ code: 'certificate-weak', what: 'RSA key of 2047 bits' })],
        ['an elliptic key of 256 bits is not weak', { certificateKeyType: 'ec', certificateKeyBits: 256 }, nothing],
        [
          'a SHA-1 signature is weak',
          { certificateSignature: 'sha1WithRSAEncryption' },
          warns({ code: 'certificate-weak', what: 'sha1WithRSAEncryption' }),
        ],
        [
          'an MD5 signature is weak',
          { certificateSignature: 'md5WithRSAEncryption' },
          warns({ code: 'certificate-weak', what: 'md5WithRSAEncryption' }),
        ],
        ['ECDSA with SHA-1 is weak', { certificateSignature: 'ecdsa-with-SHA1' }, warns({ code: 'certificate-weak', what: 'ecdsa-with-SHA1' })],
        [
          'a weak signature is known by its number',
          { certificateSignature: '1.3.14.3.2.29' },
          warns({ code: 'certificate-weak', what: '1.3.14.3.2.29' }),
        ],
        ['SHA-512 is not weak', { certificateSignature: 'sha512WithRSAEncryption' }, nothing],
        ['TLS 1.2 is not old', { tlsProtocol: 'TLSv1.2' }, nothing],
        ['TLS 1.1 is old', { tlsProtocol: 'TLSv1.1' }, warns({ code: 'tls-old', protocol: 'TLSv1.1' })],
        ['TLS 1.0 is old', { tlsProtocol: 'TLSv1' }, warns({ code: 'tls-old', protocol: 'TLSv1' })],
      ] satisfies readonly (readonly [string, Facts, readonly Assessed[]])[]
    ).map(([name, facts, found]): Case => [name, 'ldaps', { ...dc, ...goodCertificate, ...facts }, found]),
    [
      'a certificate that was not understood was not judged',
      'ldaps',
      { ...dc, tlsProtocol: 'TLSv1.3', certificateChain: 'not-checked', complaint: 'not understood' },
      warns({ code: 'certificate-untrusted', why: 'not understood' }),
    ],
    [
      'an endpoint with a certificate of its own has no finding, whatever HTTP says',
      'https',
      { ...goodCertificate, certificateChain: 'trusted', httpStatus: 404 },
      nothing,
    ],
    [
      'an endpoint whose certificate comes from a device on the path fails, and the device is named',
      'https',
      { ...goodCertificate, certificateChain: 'SELF_SIGNED_CERT_IN_CHAIN', certificateIssuer: 'CN=Inspection CA' },
      fails({ code: 'certificate-untrusted', why: 'SELF_SIGNED_CERT_IN_CHAIN', issuer: 'CN=Inspection CA' }),
    ],
    [
      'an endpoint that shows the certificate of a portal fails',
      'https',
      { ...goodCertificate, certificateSubject: 'CN=portal.example.net', certificateNames: ['portal.example.net'] },
      fails({ code: 'certificate-name', expected: 'dc1.corp.example.com', names: ['portal.example.net'] }),
    ],
    ['a bare expected name is found by its label', 'ldaps', { ...dc, ...goodCertificate }, nothing, { expected: { dnsName: 'dc1' } }],
    [
      'a bare expected name may hide under a wildcard',
      'ldaps',
      { ...dc, ...goodCertificate, certificateNames: ['*.corp.example.com'] },
      nothing,
      { expected: { dnsName: 'dc1' } },
    ],
    [
      'limits are the rule’s own',
      'ldaps',
      { ...dc, ...goodCertificate },
      warns({ code: 'certificate-weak', what: 'RSA key of 2048 bits' }),
      { limits: { rsaBits: 3072 } },
    ],
  ],
};

for (const [subject, rows] of Object.entries(cases)) {
  describe(`assess: ${subject}`, () => {
    for (const [name, probe, facts, found, changed = {}] of rows) {
      test(name, () => {
        const answer = {
          probe,
          facts,
          at,
          port: changed.port ?? 389,
          range: changed.range,
          listedOverUdp: changed.listedOverUdp,
          unreachable: changed.unreachable,
          directoryShut: changed.directoryShut,
          limits: { ...limits, ...changed.limits },
          expected: { ...dc1, ...changed.expected },
        };
        assert.deepEqual(assess(answer), found);
      });
    }
  });
}

describe('the identity of an answer is unknown', () => {
  const rows: readonly (readonly [name: string, probe: ProbeName, facts: Facts, unknown: boolean])[] = [
    ['not of a DC that names itself', 'ldap', dc, false],
    ['of an LDAP answer that is only an error', 'ldaps', { resultCode: 52 }, true],
    ['of an unknown principal, whose realm is an echo', 'kerberos', { errorCode: 6, realm: 'CORP.EXAMPLE.COM' }, true],
    ['of a generic error, whose realm is an echo', 'kerberos', { errorCode: 60, realm: 'CORP.EXAMPLE.COM' }, true],
    ['not of a KDC that knows the account', 'kerberos', { errorCode: 25, realm: 'CORP.EXAMPLE.COM' }, false],
    ['not of a KDC that gives a ticket', 'kerberos', { errorCode: 0, principal: 'DC1$' }, false],
    ['of a name service that tells no name of a host', 'netbios', { netbiosNames: ['CORP<00>'] }, true],
    ['of a name service that refuses', 'netbios', { nameServiceError: 3 }, true],
    ['of a DC in a mailslot that names nobody', 'netbios-datagram', {}, true],
    ['not of a host that names itself', 'netbios', { netbiosNames: ['DC1<00>'], netbiosName: 'DC1' }, false],
    ['not of a NetBIOS session, which names nobody', 'netbios', { sessionCode: 'positive' }, false],
    ['not of a protocol that names nobody', 'ntp', {}, false],
  ];
  for (const [name, probe, facts, unknown] of rows) {
    test(name, () => assert.equal(isIdentityUnknown({ probe, facts, expected: dc1 }), unknown));
  }
});

describe('a large question', () => {
  const answer = { probe: 'ldap', port: 389, facts: {}, limits, expected: dc1, at } as const;
  const skewed: Facts = { resultCode: 1, clockOffsetMs: 4e9, clockUncertaintyMs: 1 };

  test('whose answer came says nothing that the small one did not say', () => {
    assert.deepEqual(assess({ ...answer, facts: skewed, size: { of: 'request', bytes: 4_000 } }), nothing);
    assert.deepEqual(assess({ ...answer, facts: { ...skewed, answerBytes: 1_500 }, size: { of: 'reply', bytes: 1_500 } }), nothing);
    assert.notDeepEqual(assess({ ...answer, facts: skewed }), nothing);
  });

  test('whose answer was to be long, and is not, proves nothing about long ones', () => {
    const found = (facts: Facts) => assess({ ...answer, facts, size: { of: 'reply', bytes: 1_500 } });
    assert.deepEqual(found({ answerBytes: 1_499 }), warns({ code: 'answer-short', bytes: 1_499, wanted: 1_500 }));
    assert.deepEqual(found({}), warns({ code: 'answer-short', bytes: 0, wanted: 1_500 }));
  });
});

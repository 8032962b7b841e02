/** An inventory as a person would write it: from what locating found, or as a template. Pure text; whatever the network said, `readInventory` takes it. */
import type { Facts } from '../agent/contract/fact.ts';
import type { Candidate, Located } from '../agent/contract/locate.ts';
import { canonicalAddress, isHostAddress } from './address.ts';
import { pingOf, type Self } from './preflight/selection.ts';
import { count, plain } from './reporters/text.ts';

/** What an inventory is written from. */
export interface Survey {
  /** The inventory's file, as the next steps name it. */
  readonly file: string;
  /** ISO date. */
  readonly today: string;
  readonly self: Self;
  /** AD domain, lower case, if anybody named one. */
  readonly domain?: string;
  /** What locating that domain's DCs found; absent when nobody could look. */
  readonly located?: Located;
}

/** The inventory, and how many DCs are in it: with none it is a template that has to be edited. */
export interface Draft {
  readonly text: string;
  readonly dcs: number;
  /** What was found and cannot be written in an inventory, or was too much. */
  readonly leftOut: number;
}

/** Writes the inventory; with no DC, a template for two at addresses that are nobody's (RFC 5737). */
export function draftInventory(survey: Survey): Draft {
  const { self, domain, located } = survey;
  const found = domain === undefined || located === undefined ? [] : dcsOf(located, domain);
  const dropped = (located?.candidates.length ?? 0) - found.length + (located?.leftOut ?? 0);
  const isTemplate = found.length === 0;
  const names = namesFrom();
  const dcs = isTemplate ? exampleDcs(self) : found;
  const dcEntries = dcs.map((dc) => entryOf(dc, names(dc.dnsName.split('.', 1)[0] ?? '', 'dc', dc.address), self));
  const clients = clientsOf(self, dcs, located).map((client) => ({ ...client, name: names(self.name, 'client', client.address) }));
  const [first = 'dc1'] = dcEntries.map(({ name }) => name);
  const lines = [
    ...heading(survey, isTemplate),
    '',
    ...(domain === undefined ? ['# Edit: the AD domain.'] : []),
    `domain: ${scalar(domain ?? 'corp.example.com')}`,
    ...guidLines(found),
    '# The CA certificates that LDAPS certificates are judged by: PEM, relative to this file. Without it, chains are not judged.',
    '#authorities: corp-ca.pem',
    '# What is true of every host that does not say otherwise. os says how silence is read: windows or samba.',
    '#defaults: { os: windows }',
    '',
    'hosts:',
    ...clients.flatMap(clientLines),
    ...dcEntries.flatMap(({ lines: entry }) => entry),
    '  # Hosts that a prefix reaches: ssh, docker exec, ip netns exec. They need Node.js 20 or newer, and nothing else.',
    `  #- { name: ${names('bastion1', 'bastion', '')}, address: 192.0.2.31, roles: [bastion], connector: { exec: [ssh, bastion1] } }`,
    `  #- { name: ${names('branch-client1', 'client', '')}, address: 192.0.2.32, roles: [client], site: Branch, connector: { exec: [ssh, branch-client1] } }`,
    '',
    '# Who is meant to talk: hosts, sites or domains. Without it, everybody.',
    `#links: [{ from: { host: ${scalar(clients[0]?.name ?? first)} }, to: { host: ${scalar(first)} }, reason: the rest is behind a hub }]`,
    '# Who is not meant to talk, whatever links says.',
    `#except: [{ from: { host: ${scalar(clients[0]?.name ?? first)} }, to: { host: ${scalar(dcEntries.at(-1)?.name ?? first)} }, reason: DMZ }]`,
  ];
  return { text: `${lines.join('\n')}\n`, dcs: new Set(found.map(({ dnsName }) => dnsName)).size, leftOut: dropped };
}

interface Dc {
  readonly dnsName: string;
  readonly address: string;
  readonly facts?: Facts;
  /** What is known of it, as a sentence or two. */
  readonly known: string;
}

interface Client {
  readonly address: string;
  readonly site?: string;
}

function heading({ file, today, domain }: Survey, isTemplate: boolean): string[] {
  const path = plain(file, 200);
  const origin = isTemplate
    ? `a template, written by portmatrix init on ${today}. Edit what says so: the addresses are examples, and nobody's.`
    : `written by portmatrix init on ${today} from what DNS and the DCs of ${domain} answered. Read it before you use it.`;
  return [
    `# The hosts of an Active Directory domain: ${origin}`,
    '#',
    `#   portmatrix validate -i ${path}    is the file right? Nothing is sent`,
    `#   portmatrix plan -i ${path}        what would be sent, to whom`,
    `#   portmatrix run -i ${path}         ask it, judge it, report it`,
    '#',
    '# A line with # right before its first word is an example: take the # away. Every field: inventory.schema.json in matrices/ of the package.',
  ];
}

/** The DCs that an inventory can hold, in the order in which they were found. */
function dcsOf({ candidates }: Located, domain: string): readonly Dc[] {
  const taken = new Set<string>();
  return candidates.flatMap((candidate): readonly Dc[] => {
    const { dnsName, ping } = candidate;
    if (!isDnsName(dnsName) || !isHostAddress(candidate.address)) return [];
    const address = canonicalAddress(candidate.address);
    if (taken.has(address)) return [];
    taken.add(address);
    const facts = pingOf(ping, domain);
    return [
      {
        dnsName: dnsName.toLowerCase(),
        address,
        known: `${namedBy(candidate)} ${answerOf(candidate, facts)}`,
        ...(facts !== undefined && { facts }),
      },
    ];
  });
}

function exampleDcs({ addresses }: Self): readonly Dc[] {
  // Somebody may have given the examples' addresses to this host.
  const [one = '', other = ''] = ['192.0.2.10', '192.0.2.11', '192.0.2.12', '192.0.2.13'].filter((address) => !addresses.includes(address));
  return [
    { dnsName: 'dc1', address: one, known: 'Edit: a DC.' },
    { dnsName: 'dc2', address: other, known: 'Edit: another DC, or take it out.' },
  ];
}

function namedBy({ resolvers }: Candidate): string {
  return `Named by ${resolvers.map((resolver) => plain(resolver, 60)).join(' and ')}.`;
}

const roleWords: Readonly<Record<string, string>> = { gc: 'global catalog', pdc: 'PDC emulator', 'read-only': 'read-only' };

function answerOf({ dnsName, ping }: Candidate, facts: Facts | undefined): string {
  if (facts !== undefined) {
    const roles = (facts.roles ?? []).flatMap((role) => roleWords[role] ?? []);
    const alias =
      facts.dnsName !== undefined && isDnsName(facts.dnsName) && facts.dnsName.toLowerCase() !== dnsName.toLowerCase() ? facts.dnsName : undefined;
    const pause = facts.paused === true ? ' It says that it is paused.' : '';
    return `It answered the LDAP ping${roles.length > 0 ? ` (${roles.join(', ')})` : ''}${alias === undefined ? '.' : `, and calls itself ${alias}.`}${pause}`;
  }
  if (ping.kind === 'failed') return 'It could not be asked from this host.';
  if (ping.service?.status === 'identified') return 'It answered the LDAP ping for another domain.';
  if (ping.state === 'open') return 'What answered the LDAP ping (UDP 389) is no DC.';
  return ping.state === 'closed' ? 'It refused the LDAP ping (UDP 389).' : 'It did not answer the LDAP ping (UDP 389).';
}

function entryOf(dc: Dc, name: string, self: Self): { readonly name: string; readonly lines: readonly string[] } {
  const { dnsName, address, facts, known } = dc;
  const isSelf = self.addresses.includes(address);
  const site = siteOf(facts?.site);
  const roles = facts?.roles;
  return {
    name,
    lines: [
      `  # ${isSelf ? 'This host. ' : ''}${known}`,
      `  - name: ${scalar(name)}`,
      `    address: ${scalar(address)}`,
      ...(dnsName.includes('.') ? [`    dnsName: ${scalar(dnsName)}`] : []),
      '    roles: [dc]',
      ...(site === undefined ? [] : [`    site: ${scalar(site)}`]),
      ...(roles?.includes('read-only') === true ? ['    readOnly: true'] : []),
      // Only the catalog can be told from the ping; what nobody told is asked.
      ...(roles === undefined
        ? []
        : [`    features: [dns, ${roles.includes('gc') ? 'gc, ' : ''}ldaps] # take out dns or ldaps where it offers none`]),
      isSelf ? '    connector: local' : `    #connector: { exec: [ssh, ${scalar(dnsName)}] } # to ask from it too; without it, it is only asked`,
    ],
  };
}

/** This host, once for each address family in which it can ask; nothing when it is a DC itself. */
function clientsOf({ addresses }: Self, dcs: readonly Dc[], located: Located | undefined): readonly Client[] {
  if (dcs.some(({ address }) => addresses.includes(address))) return [];
  const used = (located?.candidates ?? []).flatMap(({ ping }) => (ping.kind === 'observed' && ping.local !== undefined ? [ping.local.address] : []));
  const known = [...used, ...addresses].filter((address) => isHostAddress(address) && dcs.every((dc) => dc.address !== address));
  const families = [false, true].filter((six) => dcs.some(({ address }) => isSix(address) === six));
  const own = families.flatMap((six) => known.find((address) => isSix(address) === six) ?? []);
  const site = siteOf(located?.clientSite);
  const last = Array.from({ length: 254 }, (_, index) => `127.0.0.${index + 1}`).filter((address) => dcs.every((dc) => dc.address !== address));
  return (own.length > 0 ? own : [...known, ...last].slice(0, 1)).map((address) => ({ address, ...(site !== undefined && { site }) }));
}

function clientLines({ name, address, site }: Client & { readonly name: string }): string[] {
  return [
    '  # This host, which asks.',
    `  - name: ${scalar(name)}`,
    `    address: ${scalar(address)}`,
    '    roles: [client]',
    ...(site === undefined ? [] : [`    site: ${scalar(site)}`]),
    '    connector: local',
  ];
}

function guidLines(dcs: readonly Dc[]): string[] {
  const [guid, ...others] = new Set(dcs.flatMap(({ facts }) => facts?.domainGuid ?? []));
  if (guid === undefined || others.length > 0 || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(guid)) return [];
  const voices = new Set(dcs.filter(({ facts }) => facts?.domainGuid === guid).map(({ dnsName }) => dnsName)).size;
  return [`# The GUID that ${count(voices, 'DC')} gave: with this line, an answer from any other domain is wrong-host.`, `#domainGuid: ${guid}`];
}

/** Gives out names that the format takes, each once whatever its case; the second family of a machine gets an ending that says so. */
function namesFrom(): (wanted: string, otherwise: string, address: string) => string {
  const taken = new Set<string>();
  return (wanted, otherwise, address) => {
    const base = /^[a-z0-9][a-z0-9_-]{0,62}$/i.test(wanted) ? wanted : otherwise;
    const forms = [base, ...(isSix(address) ? [`${base}-ipv6`] : [])];
    for (let number = 2; ; number += 1) {
      const name = forms.shift() ?? `${base}-${number}`;
      if (taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      return name;
    }
  };
}

/** True for what `dnsName` of the format takes. */
function isDnsName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*$/i.test(text);
}

/** The site as AD can name one; undefined for anything else that an answer may hold. */
function siteOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_. -]{0,62}$/u.test(text) ? text : undefined;
}

/** The text as a YAML value: plain where every reader takes it for text, otherwise in double quotes, which are JSON's. */
function scalar(text: string): string {
  const isPlain = /^(?!(?:null|true|false|yes|no|on|off|y|n)$)[a-z][a-z0-9.-]*$/i.test(text) || /^\d+(\.\d+){3}$/.test(text);
  return isPlain ? text : JSON.stringify(text);
}

function isSix(address: string): boolean {
  return address.includes(':');
}

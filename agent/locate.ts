/**
 * Finds domain controllers as the DC locator does ([MS-ADTS] 6.3.6, MS-NRPC 3.5.4.3.1), resolver by resolver:
 *
 * 1. SRV `_ldap._tcp.dc._msdcs.<domain>` and `_ldap._tcp.pdc._msdcs.<domain>`, with recursion, to each resolver on its own.
 * 2. A and AAAA of each name found, from the resolver that gave it, unless the addresses came along.
 * 3. The LDAP ping to each address, and to those that the user named. The first DC that answers says which site this host is in.
 * 4. SRV `_ldap._tcp.<site>._sites.dc._msdcs.<domain>` to each resolver.
 */
import { isIP, isIPv6, SocketAddress } from 'node:net';
import { type DnsReply, decodeDnsDatagram, decodeDnsStream, dnsTypes, encodeDnsQuery, frameDns, sameQuestion } from './codecs/dns.ts';
import type { Candidate, Located, LocateJob, Lookup, ResolverView } from './contract/locate.ts';
import type { Outcome } from './contract/outcome.ts';
import type { Transport } from './contract/probe.ts';
import type { Target } from './net/dial.ts';
import { ask, type Dialogue } from './net/dialogue.ts';
import { cldap } from './probes/cldap.ts';

/** What locating gets from the runner: a conversation that ends at its deadline. `speak` is called for each attempt anew. */
export type Converse = (target: Target, speak: () => Dialogue) => Promise<Outcome>;

/** What locating gets from the process around it. */
export interface Vantage {
  readonly converse: Converse;
  /** The resolvers that this host is configured with. */
  readonly resolvers: readonly string[];
  readonly random: (length: number) => Buffer;
  readonly now: () => number;
  /** Where resolvers and DCs listen; tests have none on the usual ports. */
  readonly ports?: Ports;
}

/** The ports of DNS and of the LDAP ping. */
interface Ports {
  readonly dns: number;
  readonly ldap: number;
}

const usualPorts: Ports = { dns: 53, ldap: 389 };
/** A name that can be asked for: what a resolver or a DC says is not always one. */
const askable = /^(?!.{250})(?:[^.\s]{1,63}\.)*[^.\s]{1,63}$/;
/** Names of one resolver that are looked up, and addresses that are pinged: enough for any site, and bounded whatever a resolver says. */
const mostNames = 64;
const mostCandidates = 128;

/** Locates the DCs of the job's domain. Never fails: what could not be asked is in the outcomes. */
export async function locate(job: LocateJob, vantage: Vantage): Promise<Located> {
  const addresses = job.resolvers.length > 0 ? job.resolvers : vantage.resolvers;
  const views = await Promise.all([...new Set(addresses)].filter((address) => isIP(address) !== 0).map((address) => view(job, address, vantage)));
  const named = [...views.flatMap(({ hosts }) => hosts), ...job.dcs.map((dc) => ({ ...dc, address: canonical(dc.address), resolver: undefined }))];
  const merged = merge(named);
  const isNamed = ({ address }: Pick<Named, 'address'>): boolean => job.dcs.some((dc) => canonical(dc.address) === address);
  const kept = [...merged.filter(isNamed), ...merged.filter((candidate) => !isNamed(candidate))].slice(0, mostCandidates);
  const candidates = await Promise.all(kept.map((candidate) => pinged(job, candidate, vantage)));
  // A DC that has not heard of a new subnet yet says "none" while others know it.
  const sites = candidates.map((candidate) => siteOf(candidate, job.domain)).filter((site) => site !== undefined);
  const clientSite = sites.find((site) => site !== '') ?? sites[0];
  const resolvers = await Promise.all(
    views.map(async ({ resolver }): Promise<ResolverView> => {
      // Who has not answered once is not waited for again.
      if (clientSite === undefined || clientSite.includes('.') || !askable.test(clientSite) || resolver.dcs.rcode === undefined) return resolver;
      return { ...resolver, siteDcs: await srv(resolver.address, `_ldap._tcp.${clientSite}._sites.dc._msdcs.${job.domain}`, vantage) };
    }),
  );
  const leftOut = views.reduce((sum, each) => sum + each.leftOut, 0) + Math.max(0, merged.length - mostCandidates);
  return { kind: 'located', resolvers, candidates, leftOut, ...(clientSite !== undefined && { clientSite }) };
}

interface Named {
  readonly dnsName: string;
  readonly address: string;
  readonly resolver: string | undefined;
}

async function view(
  job: LocateJob,
  address: string,
  vantage: Vantage,
): Promise<{ readonly resolver: ResolverView; readonly hosts: readonly Named[]; readonly leftOut: number }> {
  const extra: DnsReply['addresses'][number][] = [];
  const [dcs, pdc] = await Promise.all([
    srv(address, `_ldap._tcp.dc._msdcs.${job.domain}`, vantage, extra),
    srv(address, `_ldap._tcp.pdc._msdcs.${job.domain}`, vantage),
  ]);
  const names = dcs.found.filter((name) => askable.test(name)).slice(0, mostNames);
  const hosts = await Promise.all(
    names.map(async (dnsName): Promise<Named[]> => {
      const known = extra.filter(({ name }) => name === dnsName).map((record) => record.address);
      const found = known.length > 0 ? known : await addressesOf(address, dnsName, vantage);
      return found.map((literal) => ({ dnsName, address: canonical(literal), resolver: address }));
    }),
  );
  return { resolver: { address, dcs, pdc }, hosts: hosts.flat(), leftOut: dcs.found.length - names.length };
}

async function srv(resolver: string, name: string, vantage: Vantage, extra: DnsReply['addresses'][number][] = []): Promise<Lookup> {
  const { outcome, reply } = await lookUp(resolver, name, dnsTypes.srv, vantage);
  extra.push(...(reply?.addresses ?? []));
  return { name, outcome, found: reply?.srvTargets ?? [], ...(reply !== undefined && { rcode: reply.rcode }) };
}

async function addressesOf(resolver: string, name: string, vantage: Vantage): Promise<readonly string[]> {
  const answers = await Promise.all([dnsTypes.a, dnsTypes.aaaa].map((type) => lookUp(resolver, name, type, vantage)));
  return answers.flatMap(({ reply }) => reply?.addresses ?? []).map(({ address }) => address);
}

/** Asks over UDP, and over TCP when the answer was cut. */
async function lookUp(
  resolver: string,
  name: string,
  type: number,
  vantage: Vantage,
): Promise<{ readonly outcome: Outcome; readonly reply?: DnsReply }> {
  const replies: DnsReply[] = [];
  const over = (transport: Transport): Promise<Outcome> =>
    vantage.converse({ transport, address: resolver, port: (vantage.ports ?? usualPorts).dns }, () =>
      query({ name, type }, transport, vantage.random, replies),
    );
  let outcome = await over('udp');
  if (replies.at(-1)?.truncated === true) {
    replies.length = 0;
    outcome = await over('tcp');
  }
  const reply = replies.at(-1);
  return { outcome, ...(reply !== undefined && { reply }) };
}

function* query(
  question: { readonly name: string; readonly type: number },
  transport: Transport,
  random: Vantage['random'],
  replies: DnsReply[],
): Dialogue {
  const id = random(2).readUInt16BE(0);
  const message = encodeDnsQuery(id, question, true);
  const isOurs = (reply: DnsReply): boolean =>
    reply.id === id && (reply.question === undefined ? reply.rcode !== 'NOERROR' : sameQuestion(reply.question, question));
  const reply = yield* transport === 'tcp' ? ask(frameDns(message), decodeDnsStream, isOurs) : ask(message, decodeDnsDatagram, isOurs);
  replies.push(reply);
  return { status: 'identified', facts: { rcode: reply.rcode, truncated: reply.truncated } };
}

/** One candidate an address; the resolvers that named it are gathered. */
function merge(named: readonly Named[]): readonly Omit<Candidate, 'ping'>[] {
  const byAddress = new Map<string, { readonly dnsName: string; readonly address: string; readonly resolvers: string[] }>();
  for (const { dnsName, address, resolver } of named) {
    const candidate = byAddress.get(address) ?? { dnsName, address, resolvers: [] };
    byAddress.set(address, candidate);
    if (resolver !== undefined && !candidate.resolvers.includes(resolver)) candidate.resolvers.push(resolver);
  }
  const order = ({ dnsName, address }: Pick<Named, 'dnsName' | 'address'>): string => `${dnsName} ${address.includes(':') ? 6 : 4} ${address}`;
  return [...byAddress.values()].toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
}

async function pinged(job: LocateJob, candidate: Omit<Candidate, 'ping'>, { converse, random, now, ports }: Vantage): Promise<Candidate> {
  const port = (ports ?? usualPorts).ldap;
  const question = { transport: 'udp', port, domain: job.domain, dnsName: candidate.dnsName, known: {}, form: 0, random, now } as const;
  const ping = await converse({ transport: 'udp', address: candidate.address, port }, () => cldap(question));
  return { ...candidate, ping };
}

/** Where a DC of the domain places this host; what a server of another domain says counts for nothing. */
function siteOf({ ping }: Candidate, domain: string): string | undefined {
  const facts = ping.kind === 'observed' && ping.service?.status === 'identified' ? ping.service.facts : undefined;
  return facts?.domain === domain ? facts.clientSite : undefined;
}

/** The one spelling of an address literal. */
function canonical(address: string): string {
  return isIPv6(address) && !address.includes('%') ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}

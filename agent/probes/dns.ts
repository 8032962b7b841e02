/** DNS on 53, UDP and TCP: does the DC answer for the AD zone, and is it registered there? */
import {
  type DnsQuestion,
  type DnsReply,
  decodeDnsDatagram,
  decodeDnsStream,
  dnsTypes,
  encodeDnsQuery,
  frameDns,
  padDnsQuery,
  sameQuestion,
} from '../codecs/dns.ts';
import type { Facts } from '../contract/fact.ts';
import { type Dialogue, type Question, type Step, ask } from '../net/dialogue.ts';

/** Most SRV targets that one answer's facts hold, by number and by length as JSON: a result is one line of at most 64 KiB. */
const mostTargets = 200;
const longestTargets = 32_768;

/**
 * What goes over the wire, and what it concludes (RFC 1035, RFC 2782, [MS-ADTS] 6.3.2):
 *
 * 1. SRV `_ldap._tcp.dc._msdcs.<domain>`, no recursion, random id. An answer with our id and question (a bare header will do for an error) is a DNS
 *    server, whatever its response code says. Another id or question is unrelated.
 * 2. When that answer was truncated: nothing more over UDP, and `next` asks the same over TCP (variant `again`), which every client needs to be able to do.
 *    TCP has room for any answer: one that is truncated there is no use to any client, `malformed`.
 * 3. When it was NOERROR or NXDOMAIN: `next` asks SOA `<domain>` (variant `soa`), for the zone's primary. That is a question of its own, so that whatever
 *    becomes of it the first answer stands. A server that refused the first question is not asked again.
 * 4. Over TCP, where nothing is lost or truncated, on the same connection: A and AAAA of the destination's full name; and where the job gives a site, SRV
 *    `_ldap._tcp.<site>._sites.dc._msdcs.<domain>`, since a read-only DC is registered there alone.
 * 5. `next` has the addresses dialled that are not the one that was asked (TCP 389, the handshake alone): clients are sent there too.
 *
 * Large: the first question alone, with an OPT record whose padding makes it as long as the size; any answer ends it.
 */
export function* dns(question: Question): Dialogue {
  const { transport, variant, dnsName } = question;
  const domain = question.domain ?? dnsName.split('.').slice(1).join('.');
  if (variant === 'soa') return yield* zone(question, domain);
  const srv = yield* query(question, { name: `_ldap._tcp.dc._msdcs.${domain}`, type: dnsTypes.srv });
  const { rcode, authoritative, truncated } = srv;
  if (question.size !== undefined) return { status: 'identified', facts: { rcode, authoritative, truncated } };
  const facts = { rcode, authoritative, truncated, ...(variant !== undefined && { questions: 2 }) };
  if (truncated && transport === 'tcp') return { status: 'malformed', facts: { ...facts, complaint: 'an answer over TCP that is truncated' } };
  if (truncated) return { status: 'identified', facts, next: { transport: 'tcp', variant: 'again' } };
  const next = isAnswer(srv) ? { next: { variant: 'soa' } } : {};
  return { status: 'identified', facts: { ...facts, ...targetFacts(srv.srvTargets, dnsName) }, ...next };
}

/** Most SRV targets of a site that are told. */
const mostInSite = 64;

/** The further questions: only what they add, or what they came to, so that nothing of the first answer is lost when the two are put together. */
function* zone(question: Question, domain: string): Dialogue {
  const { transport, dnsName, site } = question;
  const soa = yield* query(question, { name: domain, type: dnsTypes.soa });
  const trouble = [complaintOf('SOA', soa)];
  let own: Facts = {};
  let inSite: Facts = {};
  if (transport === 'tcp' && dnsName.includes('.')) {
    const replies = [yield* query(question, { name: dnsName, type: dnsTypes.a }), yield* query(question, { name: dnsName, type: dnsTypes.aaaa })];
    own = addressFacts(
      replies.flatMap(({ addresses }) => addresses),
      dnsName,
    );
  }
  if (transport === 'tcp' && site !== undefined) {
    const listed = yield* query(question, { name: `_ldap._tcp.${site}._sites.dc._msdcs.${domain}`, type: dnsTypes.srv });
    trouble.push(complaintOf(site, listed));
    if (isAnswer(listed) && !listed.truncated) inSite = { siteTargets: listed.srvTargets.slice(0, mostInSite) };
  }
  const followUp = trouble.find((text) => text !== undefined);
  const { soaPrimary } = soa;
  return {
    status: 'identified',
    facts: { questions: 2, ...(soaPrimary !== undefined && { soaPrimary }), ...own, ...inSite, ...(followUp !== undefined && { followUp }) },
    ...(own.ownAddresses !== undefined && { next: { elsewhere: own.ownAddresses } }),
  };
}

/** What is wrong with an answer to a further question. */
function complaintOf(what: string, reply: DnsReply): string | undefined {
  return reply.truncated ? `${what}: truncated` : isAnswer(reply) ? undefined : `${what}: ${reply.rcode}`;
}

/** True for an answer that tells what there is, or that there is nothing. */
function isAnswer({ rcode }: DnsReply): boolean {
  return rcode === 'NOERROR' || rcode === 'NXDOMAIN';
}

/** The targets, or as many as one result can hold: the first ones, and the destination itself wherever it stands. */
function targetFacts(targets: readonly string[], dnsName: string): Facts {
  const own = targets.find((target) => isNamed(target, dnsName));
  const kept: string[] = [];
  let length = own === undefined ? 0 : JSON.stringify(own).length;
  for (const target of targets) {
    if (target !== own) length += JSON.stringify(target).length + 1;
    const room = own === undefined || kept.includes(own) ? mostTargets : mostTargets - 1;
    if (target === own || (kept.length < room && length <= longestTargets)) kept.push(target);
  }
  return { srvTargets: kept, ...(kept.length < targets.length && { srvTotal: targets.length }) };
}

/** Most addresses of one name that are told. */
const mostAddresses = 16;

/** The destination's own addresses: a DC has more than it should where one of its adapters registers itself too. */
function addressFacts(found: DnsReply['addresses'], dnsName: string): Facts {
  const own = found.filter(({ name }) => isNamed(name, dnsName)).map(({ address }) => address);
  return own.length === 0 ? {} : { ownAddresses: [...new Set(own)].sort().slice(0, mostAddresses) };
}

/** True when a target is the host of that name; of a bare name only the first label is known. */
function isNamed(target: string, dnsName: string): boolean {
  const [one, other] = [target, dnsName].map((name) => name.toLowerCase().replace(/\.$/, ''));
  return other?.includes('.') === true ? one === other : one?.split('.')[0] === other;
}

function* query({ transport, random, size }: Question, asked: DnsQuestion): Generator<Step, DnsReply, void> {
  const id = random(2).readUInt16BE(0);
  const small = encodeDnsQuery(id, asked);
  const message = size === undefined ? small : padDnsQuery(small, transport === 'tcp' ? size.bytes - 2 : size.bytes);
  const isOurs = (reply: DnsReply) =>
    reply.id === id && (reply.question === undefined ? reply.rcode !== 'NOERROR' : sameQuestion(reply.question, asked));
  return transport === 'tcp' ? yield* ask(frameDns(message), decodeDnsStream, isOurs) : yield* ask(message, decodeDnsDatagram, isOurs);
}

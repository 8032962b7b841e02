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
  const next = rcode === 'NOERROR' || rcode === 'NXDOMAIN' ? { next: { variant: 'soa' } } : {};
  return { status: 'identified', facts: { ...facts, ...targetFacts(srv.srvTargets, dnsName), ...addressFacts(srv.addresses, dnsName) }, ...next };
}

/** The second question: only what it adds, or what it came to, so that nothing of the first answer is lost when the two are put together. */
function* zone(question: Question, domain: string): Dialogue {
  const { rcode, truncated, soaPrimary } = yield* query(question, { name: domain, type: dnsTypes.soa });
  const trouble = truncated ? 'truncated' : rcode === 'NOERROR' || rcode === 'NXDOMAIN' ? undefined : rcode;
  return {
    status: 'identified',
    facts: { questions: 2, ...(soaPrimary !== undefined && { soaPrimary }), ...(trouble !== undefined && { followUp: `SOA: ${trouble}` }) },
  };
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

/** What the answer gives of the destination's own addresses: a DC has more than it should where one of its adapters registers itself too. */
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

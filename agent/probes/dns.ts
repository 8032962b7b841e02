/** DNS on 53, UDP and TCP: does the DC answer for the AD zone, and is it registered there? */
import {
  type DnsQuestion,
  type DnsReply,
  decodeDnsDatagram,
  decodeDnsStream,
  dnsTypes,
  encodeDnsQuery,
  frameDns,
  sameQuestion,
} from '../codecs/dns.ts';
import type { Facts } from '../contract/fact.ts';
import { type Dialogue, type Question, type Step, ask } from '../net/dialogue.ts';

/**
 * What goes over the wire, and what it concludes (RFC 1035, RFC 2782, [MS-ADTS] 6.3.2):
 *
 * 1. SRV `_ldap._tcp.dc._msdcs.<domain>`, no recursion, random id. An answer with our id and question (a bare header will do for an error) is a DNS
 *    server, whatever its response code says. Another id or question is unrelated.
 * 2. When that answer was truncated: nothing more over UDP, and `next` asks the same over TCP, which every client needs to be able to do.
 * 3. When it was NOERROR or NXDOMAIN: SOA `<domain>` with a new id, for the zone's primary. A server that refused the first question is not asked again:
 *    its silence would hide what it said.
 */
export function* dns(question: Question): Dialogue {
  const domain = question.domain ?? question.dnsName.split('.').slice(1).join('.');
  const srv = yield* query(question, { name: `_ldap._tcp.dc._msdcs.${domain}`, type: dnsTypes.srv });
  const facts: Facts = { rcode: srv.rcode, authoritative: srv.authoritative, truncated: srv.truncated };
  if (srv.truncated) return { status: 'identified', facts, ...overTcp(question) };
  const found = { ...facts, srvTargets: srv.srvTargets };
  if (srv.rcode !== 'NOERROR' && srv.rcode !== 'NXDOMAIN') return { status: 'identified', facts: found };
  const soa = yield* query(question, { name: domain, type: dnsTypes.soa }, found);
  return {
    status: 'identified',
    facts: { ...found, truncated: soa.truncated, ...(soa.soaPrimary !== undefined && { soaPrimary: soa.soaPrimary }) },
    ...(soa.truncated && overTcp(question)),
  };
}

function* query({ transport, random }: Question, asked: DnsQuestion, gathered: Facts = {}): Generator<Step, DnsReply, void> {
  const id = random(2).readUInt16BE(0);
  const message = encodeDnsQuery(id, asked);
  const isOurs = (reply: DnsReply) =>
    reply.id === id && (reply.question === undefined ? reply.rcode !== 'NOERROR' : sameQuestion(reply.question, asked));
  return transport === 'tcp'
    ? yield* ask(frameDns(message), decodeDnsStream, isOurs, gathered)
    : yield* ask(message, decodeDnsDatagram, isOurs, gathered);
}

function overTcp({ transport }: Question): { readonly next?: { readonly transport: 'tcp' } } {
  return transport === 'udp' ? { next: { transport: 'tcp' } } : {};
}

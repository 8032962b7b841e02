/** The RPC endpoint mapper on 135/TCP: which TCP port does each RPC interface of the DC listen on? */
import { concludeBind, decodeRpcReply, encodeBind, encodeRequest } from '../codecs/dcerpc.ts';
import type { Syntax } from '../codecs/dcerpc.ts';
import { type Decoded, malformed } from '../codecs/decoded.ts';
import { decodeEptMap, encodeEptMap, endpointMapper, eptMap, notRegistered, rpcSyntaxes } from '../codecs/endpoint-mapper.ts';
import type { EptMapReply } from '../codecs/endpoint-mapper.ts';
import type { Facts } from '../contract/fact.ts';
import { rpcInterfaces } from '../contract/probe.ts';
import { type Answer, type Dialogue, type Question, ask } from '../net/dialogue.ts';

/**
 * What goes over the wire, and what it concludes (C706 appendix O, [MS-RPCE] 3.1.1.1.3; probes.md 5.1, 5.2):
 *
 * 1. A bind to the endpoint mapper, without authentication.
 *    Accepted: go on. Interface unknown: an RPC server, but no endpoint mapper, so `absent`.
 *    Anything else that refuses (bind_nak, fault, only NDR64): the endpoint mapper is there and reachable, so `identified`, with the complaint and no ports.
 * 2. ept_map for each interface, one after the other on the same connection.
 *    A tower with a TCP port: `rpcPorts`. Not registered, or without a TCP port: `rpcAbsent`. Another status: neither, with a complaint.
 *    A fault after a good bind: the endpoint mapper refuses anonymous questions, `rpcAnonymousRefused`; it also hangs up, so that ends the dialogue.
 *    The addresses in towers are never used: behind NAT they are wrong.
 */
export function* epm(_question: Question): Dialogue {
  const bound = concludeBind(yield* ask(encodeBind(1, endpointMapper), decodeRpcReply, ({ callId }) => callId === 1));
  switch (bound.kind) {
    case 'accepted':
      break;
    case 'misplaced':
      return { status: 'malformed', facts: { complaint: 'an RPC response before any call' } };
    case 'unknown-interface':
      return { status: 'absent', facts: { complaint: 'an RPC server that is no endpoint mapper' } };
    case 'other-transfer':
      return { status: 'identified', facts: { complaint: 'the endpoint mapper does not take NDR' } };
    case 'refused':
      return { status: 'identified', facts: { complaint: bound.why } };
    default:
      return bound satisfies never;
  }
  const rpcPorts: Record<string, number> = {};
  const rpcAbsent: string[] = [];
  const complaints: string[] = [];
  for (const [index, name] of rpcInterfaces.entries()) {
    const syntax = rpcSyntaxes[name];
    const callId = 2 + index;
    const request = encodeRequest(callId, eptMap, encodeEptMap(syntax));
    const gathered = { rpcPorts: { ...rpcPorts }, rpcAbsent: [...rpcAbsent] };
    const mapped = yield* ask(request, mapDecoder(syntax), (reply) => reply.callId === callId, gathered);
    if (mapped.kind === 'fault') return refusal(gathered, mapped.status);
    const [port] = mapped.ports;
    if (mapped.status === 0 && port !== undefined) rpcPorts[name] = port;
    else if (mapped.status === 0 || mapped.status === notRegistered) rpcAbsent.push(name);
    else complaints.push(`ept_map ${name} ${hex(mapped.status)}`);
  }
  return { status: 'identified', facts: { rpcPorts, rpcAbsent, ...(complaints.length > 0 && { complaint: complaints.join(', ') }) } };
}

type Mapped = { readonly callId: number } & (({ readonly kind: 'mapped' } & EptMapReply) | { readonly kind: 'fault'; readonly status: number });

function mapDecoder(syntax: Syntax): (received: Buffer) => Decoded<Mapped> {
  return (received) => {
    const reply = decodeRpcReply(received);
    if (reply.kind !== 'value') return reply;
    if (reply.value.kind === 'fault') return { kind: 'value', value: reply.value, length: reply.length };
    if (reply.value.kind !== 'response') return malformed('an RPC bind answer to a call');
    const map = decodeEptMap(reply.value.stub, syntax);
    return map.kind === 'value' ? { kind: 'value', value: { kind: 'mapped', callId: reply.value.callId, ...map.value }, length: reply.length } : map;
  };
}

function refusal(gathered: Facts, status: number): Answer {
  return { status: 'identified', facts: { ...gathered, rpcAnonymousRefused: true, complaint: `ept_map fault ${hex(status)}` } };
}

function hex(status: number): string {
  return `0x${status.toString(16).padStart(8, '0')}`;
}

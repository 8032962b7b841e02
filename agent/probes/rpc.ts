/** One RPC interface on the TCP port that the endpoint mapper (or the site) names. */
import { concludeBind, decodeRpcReply, encodeBind } from '../codecs/dcerpc.ts';
import { rpcSyntaxes } from '../codecs/endpoint-mapper.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

/**
 * What goes over the wire, and what it concludes (C706 §12.6.4.3; probes.md 5.1, 5.5):
 *
 * 1. A bind to the interface, without authentication and without a call, which is no logon.
 *    Accepted: `identified`, with the port that the server says it listens on. Only another transfer syntax (NDR64): the interface is there, `identified`.
 *    Interface unknown: an RPC server, but the port is another's or the endpoint mapper's entry is stale, `absent`.
 *    bind_nak, a fault or another result: an RPC server that does not take the bind, `identified` with the refusal and the complaint.
 */
export function* rpc(question: Question): Dialogue {
  const { interface: rpcInterface } = question;
  if (rpcInterface === undefined) throw new Error('rpc: a question without an interface');
  const bind = encodeBind(1, rpcSyntaxes[rpcInterface]);
  const bound = concludeBind(yield* ask(bind, decodeRpcReply, ({ callId }) => callId === 1));
  switch (bound.kind) {
    case 'accepted':
      return { status: 'identified', facts: { rpcInterface, ...(bound.secondaryPort !== undefined && { rpcSecondaryPort: bound.secondaryPort }) } };
    case 'other-transfer':
      return { status: 'identified', facts: { rpcInterface } };
    case 'unknown-interface':
      return { status: 'absent', facts: { rpcInterface } };
    case 'refused':
      return { status: 'identified', facts: { rpcInterface, rpcRefusal: bound.refusal, complaint: bound.why } };
    case 'misplaced':
      return { status: 'malformed', facts: { complaint: 'an RPC response before any call' } };
    default:
      return bound satisfies never;
  }
}

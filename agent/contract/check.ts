/** One question: can this source talk to this destination on this port, in this protocol? */
import type { ProbeName, RpcInterface, Size, Transport } from './probe.ts';

/** A planned question. It is known, with its id, before anything is sent. */
export interface Check {
  /** Stable across runs: `matrix/rule/source->destination:port/transport`, with `#interface` for one RPC interface of a range. */
  readonly id: string;
  readonly matrix: string;
  readonly rule: string;
  readonly source: string;
  readonly destination: string;
  /** The literal address that is dialled; or a name, which the source resolves itself: that is never a literal. */
  readonly address: string;
  readonly transport: Transport;
  /** A port, or the rule's text (`49152-65535`) where the port is learned from the endpoint mapper at run time. */
  readonly port: number | string;
  readonly probe: ProbeName;
  readonly interface?: RpcInterface;
  /** Present where the question or its answer is made large. Such a check tells something only when those in `after` were answered. */
  readonly size?: Size;
  /** Ids of the checks, of the same source and destination, whose answers this one uses. */
  readonly after?: readonly string[];
}

/** What makes the id of a check, beside its port. */
type Asked = Pick<Check, 'matrix' | 'rule' | 'source' | 'destination' | 'transport' | 'interface'>;

/** Gives the ids of checks that differ only in their port. */
export function checkIds({ matrix, rule, source, destination, transport, interface: rpcInterface }: Asked): (port: Check['port']) => string {
  const head = `${matrix}/${rule}/${source}->${destination}:`;
  const tail = rpcInterface === undefined ? `/${transport}` : `/${transport}#${rpcInterface}`;
  return (port) => head + port + tail;
}

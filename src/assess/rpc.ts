/** What the endpoint mapper says, and an interface on the port that it names. */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';

/** Rules for the answer of the endpoint mapper. */
export const mapperRules: readonly Rule[] = [portTranslation, anonymousRefused, mapperComplaint];

/** Rules for the answer to a bind. */
export const interfaceRules: readonly Rule[] = [portTranslation, portRange, bindRefusal];

/** A firewall that opens what the matrix says does not open this port. */
function portRange({ port, range }: Answer): Assessed | undefined {
  const [first = 0, last = 65_535] = range?.split('-').map(Number) ?? [];
  return range === undefined || (port >= first && port <= last) ? undefined : warn({ code: 'port-outside-range', port, range });
}

function portTranslation({ facts: { rpcSecondaryPort: actual }, port: dialled }: Answer): Assessed | undefined {
  return actual === undefined || actual === dialled ? undefined : warn({ code: 'port-translated', dialled, actual });
}

function anonymousRefused({ facts }: Answer): Assessed | undefined {
  return facts.rpcAnonymousRefused === true ? warn({ code: 'anonymous-refused' }) : undefined;
}

/** The mapper is reached, but some or all of what it was asked stays unknown. A refusal of anonymous questions has its own finding. */
function mapperComplaint({ facts: { rpcPorts, rpcAbsent, rpcAnonymousRefused, complaint } }: Answer): Assessed | undefined {
  if (rpcAnonymousRefused === true) return undefined;
  if (complaint !== undefined) return warn({ code: 'rpc-refused', why: complaint });
  const isEmpty = rpcPorts !== undefined && Object.keys(rpcPorts).length === 0 && (rpcAbsent ?? []).length === 0;
  return isEmpty ? warn({ code: 'rpc-refused', why: 'it names no interface, and says of none that it is not there' }) : undefined;
}

/** Refusals that a healthy server gives when it has too much to do, or to a dialect of RPC; with any other the interface is not to be had there. */
const passingRefusals: ReadonlySet<string> = new Set(['congestion', 'local-limit', 'version']);

function bindRefusal({ facts: { rpcRefusal, complaint } }: Answer): Assessed | undefined {
  if (rpcRefusal === undefined) return undefined;
  const finding = { code: 'rpc-refused', why: complaint ?? rpcRefusal } as const;
  return passingRefusals.has(rpcRefusal) ? warn(finding) : fail(finding);
}

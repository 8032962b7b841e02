/** What a job must be like for an agent to take it on, whoever sent it: every word known, every index in its list, every number in its range. */
import { contractVersion, type Job } from './job.ts';
import { probes, rpcInterfaces, traitsOf } from './probe.ts';

type Fields = Readonly<Record<string, unknown>>;
type Shape = (value: unknown) => boolean;

/** A timer that is set for longer goes off at once. */
const longestMs = 2 ** 31 - 1;
/** Flows a second below which no timer could wait for the next one. */
const slowest = 0.001;

/** True for a job whose parts fit together, of this version of the contract. */
export function isJob(value: unknown): value is Job {
  if (!isFields(value)) return false;
  const { hosts, rules, sets, pairs } = value;
  return (
    value['contract'] === contractVersion &&
    isText(value['run']) &&
    isWithin(1, longestMs)(value['timeoutMs']) &&
    isWithin(1, 100)(value['attempts']) &&
    isWithin(1, longestMs)(value['endsAfterMs']) &&
    listOf(isHost)(hosts) &&
    listOf((rule) => isFields(rule) && isRule(rule) && optional(listOf(indexOf(rules)))(rule['after']))(rules) &&
    listOf(listOf(indexOf(rules)))(sets) &&
    listOf(tupleOf(indexOf(hosts), indexOf(hosts), indexOf(sets)))(pairs) &&
    recordOf(isPace)(value['pace']) &&
    optional(isSpan)(value['sourcePorts']) &&
    optional(isText)(value['authorities']) &&
    optional(isFields)(value['kerberos']) &&
    (value['reply'] === 'messages' || value['reply'] === 'frame')
  );
}

function isHost(host: unknown): boolean {
  return (
    isFields(host) &&
    ['name', 'address', 'dnsName'].every((name) => isName(host[name])) &&
    optional(isName)(host['domain']) &&
    optional(isText)(host['site']) &&
    optional((joined) => typeof joined === 'boolean')(host['joined']) &&
    optional(recordOf(isPort))(host['rpc'])
  );
}

function isRule(rule: Fields): boolean {
  const { probe, transport, ports, size } = rule;
  const isKnown = typeof probe === 'string' && isProbe(probe) && traitsOf(probe).transports.some((other) => other === transport);
  const isSize: Shape = (value) => isFields(value) && (value['of'] === 'request' || value['of'] === 'reply') && isWithin(1, 65_535)(value['bytes']);
  return (
    isKnown &&
    isText(rule['matrix']) &&
    isText(rule['rule']) &&
    (isText(ports) || (listOf(isSpan)(ports) && Array.isArray(ports) && ports.length > 0)) &&
    optional((name) => rpcInterfaces.some((other) => other === name))(rule['interface']) &&
    optional(isSize)(size)
  );
}

function isProbe(name: string): name is keyof typeof probes {
  return Object.hasOwn(probes, name);
}

function isPace(pace: unknown): boolean {
  if (!isFields(pace)) return false;
  const { inFlight, perDestination, flowsPerSecond } = pace;
  const isRate: Shape = (rate) => typeof rate === 'number' && rate >= slowest;
  return isWithin(1, 65_535)(inFlight) && isWithin(1, 65_535)(perDestination) && optional(isRate)(flowsPerSecond);
}

function isSpan(span: unknown): boolean {
  return tupleOf(isPort, isPort)(span) && Array.isArray(span) && span[0] <= span[1];
}

function isPort(port: unknown): boolean {
  return isWithin(1, 65_535)(port);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** No host or domain is called anything longer, and a greeting must have room for it. */
function isName(value: unknown): boolean {
  return isText(value) && value.length <= 255;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWithin(least: number, most: number): Shape {
  return (value) => typeof value === 'number' && Number.isInteger(value) && least <= value && value <= most;
}

function indexOf(list: unknown): Shape {
  return isWithin(0, Array.isArray(list) ? list.length - 1 : -1);
}

function optional(shape: Shape): Shape {
  return (value) => value === undefined || shape(value);
}

function listOf(shape: Shape): Shape {
  return (value) => Array.isArray(value) && value.every(shape);
}

function tupleOf(...shapes: readonly Shape[]): Shape {
  return (value) => Array.isArray(value) && value.length === shapes.length && shapes.every((shape, index) => shape(value[index]));
}

function recordOf(shape: Shape): Shape {
  return (value) => isFields(value) && Object.values(value).every(shape);
}

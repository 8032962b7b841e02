/**
 * All results of a source in one short text, for channels that carry little (Systems Manager returns 24,000 characters).
 *
 * Results are cut into columns. What an outcome says is a shape, in which everything that the job already tells (names, addresses, the port) stands as a
 * one-character token: so two hundred healthy DCs share a handful of shapes. Times, local ports and the facts that vary are number columns. Brotli does
 * the rest. The text ends with a hash over it, so that a cut frame is noticed.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import type { Check } from './check.ts';
import { expand } from './expand.ts';
import { type Facts, volatileFacts } from './fact.ts';
import type { Job } from './job.ts';
import { isOutcome, type Settled } from './message.ts';
import type { Outcome } from './outcome.ts';

/** Number columns of a frame, one entry for each result. A missing number is null. */
interface Columns {
  readonly index: number[];
  readonly shape: number[];
  readonly attempts: number[];
  readonly elapsedMs: number[];
  /** Milliseconds since the entry before. */
  readonly at: (number | null)[];
  readonly localPort: (number | null)[];
  readonly varying: (number | null)[][];
}

interface Packed {
  readonly shapes: string[];
  readonly columns: Columns;
}

const hashLength = 16;
const largestFrame = 64 * 1024 * 1024;

/** Packs a source's results. */
export function packFrame(job: Job, source: string, results: readonly Settled[]): string {
  const checks = [...expand(job, source)];
  const shapes = new Map<string, number>();
  const columns: Columns = { index: [], shape: [], attempts: [], elapsedMs: [], at: [], localPort: [], varying: volatileFacts.map(() => []) };
  let before = 0;
  let expected = 0;
  for (const { index, outcome, attempts, elapsedMs } of results.toSorted((one, other) => one.index - other.index)) {
    const check = checks[index];
    if (check === undefined) throw new Error(`frame: no check ${index}`);
    const { shape, at, localPort, varying } = takeApart(outcome);
    const text = encode(JSON.stringify(shape), tokens(job, check));
    const known = shapes.get(text) ?? shapes.size;
    shapes.set(text, known);
    columns.index.push(index - expected);
    expected = index + 1;
    columns.shape.push(known);
    columns.attempts.push(attempts);
    columns.elapsedMs.push(elapsedMs);
    columns.at.push(at === undefined ? null : at - before);
    before = at ?? before;
    columns.localPort.push(localPort ?? null);
    varying.forEach((value, column) => columns.varying[column]?.push(value ?? null));
  }
  const packed: Packed = { shapes: [...shapes.keys()], columns };
  const text = brotliCompressSync(JSON.stringify(packed)).toString('base64');
  return `${text}.${digest(text)}`;
}

/** The results in a frame, or undefined when the text is cut, changed, or not a frame of this job and source. */
export function unpackFrame(job: Job, source: string, frame: string): readonly Settled[] | undefined {
  const [text = ''] = frame.split('.', 1);
  if (frame !== `${text}.${digest(text)}`) return undefined;
  try {
    const packed: unknown = JSON.parse(brotliDecompressSync(Buffer.from(text, 'base64'), { maxOutputLength: largestFrame }).toString());
    return isPacked(packed) ? putTogether(job, [...expand(job, source)], packed) : undefined;
  } catch {
    // The hash is right, so these bytes are what was sent: an agent that sends this is not one of ours.
    return undefined;
  }
}

function putTogether(job: Job, checks: readonly Check[], { shapes, columns }: Packed): readonly Settled[] | undefined {
  const results: Settled[] = [];
  let before = 0;
  let expected = 0;
  for (const [row, skipped] of columns.index.entries()) {
    const index = expected + skipped;
    expected = index + 1;
    const check = checks[index];
    const shape = shapes[columns.shape[row] ?? -1];
    if (skipped < 0 || check === undefined || shape === undefined) return undefined;
    const at = columns.at[row];
    if (typeof at === 'number') before += at;
    const outcome = restore(
      JSON.parse(decode(shape, tokens(job, check))),
      before,
      columns.localPort[row],
      (column) => columns.varying[column]?.[row],
    );
    const attempts = columns.attempts[row];
    const elapsedMs = columns.elapsedMs[row];
    if (!isOutcome(outcome) || attempts === undefined || elapsedMs === undefined || attempts < 0 || elapsedMs < 0) return undefined;
    results.push({ kind: 'result', index, outcome, attempts, elapsedMs });
  }
  return results;
}

/** An outcome without what varies, and what varies. */
function takeApart(outcome: Outcome): { shape: unknown; at?: number; localPort?: number; varying: (number | undefined)[] } {
  if (outcome.kind === 'failed') return { shape: outcome, varying: volatileFacts.map(() => undefined) };
  const { at, local, service, ...rest } = outcome;
  const facts: Facts = service?.facts ?? {};
  const constant = Object.fromEntries(Object.entries(facts).filter(([name]) => !volatileFacts.some((varies) => varies === name)));
  return {
    shape: {
      ...rest,
      ...(service !== undefined && { service: { status: service.status, facts: constant } }),
      ...(local !== undefined && { local: local.address }),
    },
    at: Date.parse(at),
    ...(local !== undefined && { localPort: local.port }),
    varying: volatileFacts.map((name) => facts[name]),
  };
}

function restore(shape: unknown, at: number, localPort: number | null | undefined, varying: (column: number) => number | null | undefined): unknown {
  if (!isRecord(shape) || shape['kind'] !== 'observed') return shape;
  const { local, service, ...rest } = shape;
  const facts = isRecord(service) && isRecord(service['facts']) ? { ...service['facts'] } : {};
  for (const [column, name] of volatileFacts.entries()) {
    const value = varying(column);
    if (typeof value === 'number') facts[name] = value;
  }
  return {
    ...rest,
    ...(isRecord(service) && { service: { ...service, facts } }),
    ...(typeof local === 'string' && typeof localPort === 'number' && { local: { address: local, port: localPort } }),
    at: new Date(at).toISOString(),
  };
}

/** What a token stands for in the shapes of one check, longest first. JSON escapes control characters, so none of them is in a shape by itself. */
function tokens(job: Job, check: Check): readonly (readonly [token: string, text: string])[] {
  const destination = job.hosts.find(({ name }) => name === check.destination);
  const source = job.hosts.find(({ name }) => name === check.source);
  const dnsName = destination?.dnsName ?? '';
  const label = dnsName.split('.')[0] ?? '';
  const list: readonly (readonly [string, string])[] = [
    ['\u0001', dnsName],
    ['\u0002', dnsName.toUpperCase()],
    ['\u0003', destination?.domain ?? ''],
    ['\u0004', (destination?.domain ?? '').toUpperCase()],
    ['\u0005', label.toUpperCase()],
    ['\u0006', check.address],
    ['\u0007', source?.address ?? ''],
    ['\u000e', `"port":${check.port}`],
  ];
  return list.filter(([, text]) => text.length > 2).toSorted(([, one], [, other]) => other.length - one.length);
}

function encode(text: string, table: readonly (readonly [string, string])[]): string {
  return table.reduce((encoded, [token, plain]) => encoded.replaceAll(plain, token), text);
}

function decode(text: string, table: readonly (readonly [string, string])[]): string {
  return table.reduce((decoded, [token, plain]) => decoded.replaceAll(token, () => plain), text);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, hashLength);
}

function isPacked(value: unknown): value is Packed {
  if (!isRecord(value) || !isRecord(value['columns']) || !Array.isArray(value['shapes'])) return false;
  const { index, shape, attempts, elapsedMs, at, localPort, varying } = value['columns'];
  const isNumbers = (column: unknown, nullable: boolean): boolean =>
    Array.isArray(column) && column.every((entry) => Number.isSafeInteger(entry) || (nullable && entry === null));
  return (
    value['shapes'].every((entry) => typeof entry === 'string') &&
    [index, shape, attempts, elapsedMs].every((column) => isNumbers(column, false)) &&
    [at, localPort].every((column) => isNumbers(column, true)) &&
    Array.isArray(varying) &&
    varying.every((column) => isNumbers(column, true))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

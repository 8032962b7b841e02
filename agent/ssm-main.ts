/**
 * The agent in a step of a Systems Manager document. It is loaded as a script of its own:
 *
 *     node agent.cjs run  <policy> <spool folder>     the job on stdin; prints the greeting, the frame or its first part, and the end
 *
 * All that it prints on stdout are messages in ASCII, a line each, at most 23,000 bytes: the channel cuts at 24,000. It exits with a code of `stepExits`, and
 * says on stderr what is not as it should be. What it may dial is the policy's to say, not the job's.
 */
import { type Envelope, unpackEnvelope } from './contract/envelope.ts';
import type { Job } from './contract/job.ts';
import { encodeMessage, type Message, mostParts, type Settled } from './contract/message.ts';
import { gateOf, type Policy, unpackPolicy } from './contract/policy.ts';
import type { stepExits } from './contract/step-exit.ts';
import { fitFrame } from './frame-fit.ts';
import { greeting, ownSurroundings } from './host.ts';
import { guarded } from './net/guard.ts';
import { run } from './runner.ts';
import { keepParts } from './spool.ts';

/** The exit codes that are the agent's own, by their names: the sentences are for the controller. */
const names = { 0: 'ran', 20: 'bad-input', 21: 'agent-bug' } as const satisfies { readonly [Code in 0 | 20 | 21]: (typeof stepExits)[Code]['name'] };

/** What the agent says in the end: its lines, and how it exits. */
interface Saying {
  readonly lines: readonly string[];
  readonly code: keyof typeof names;
  readonly complaint?: string;
}

/** The credentials of root or SYSTEM are not what a run is about, and libkrb5 would dial past the policy. */
const withoutTickets = { code: 'not-equipped', message: 'agents in Systems Manager use no Kerberos credentials' } as const;

const stepBytes = 23_000;
/** What a frame or a part, and the last message, need beside the frame's text. */
const wrapping = 96;
const longestInput = 2 * 1024 * 1024;
const longestComplaint = 400;

async function main([task, ...words]: readonly string[]): Promise<Saying> {
  const [first = '', second = ''] = words;
  if (task === 'run' && words.length === 2) return runJob(first, second);
  return refused('the words that it was started with are none of its own');
}

async function runJob(policyText: string, folder: string): Promise<Saying> {
  const policy = unpackPolicy(policyText);
  if (policy === undefined) return refused('the policy is not one');
  const envelope = unpackEnvelope(await readInput());
  if (envelope === undefined) return refused('the job is cut, or it was made for another version of the agent');
  const node = process.env['AWS_SSM_INSTANCE_ID'] ?? '';
  const source = sourceOf(envelope, node);
  if (source === undefined) return refused(`this node, ${node === '' ? 'which has no id' : node}, is not among those that the job is for`);
  const endsAfterMs = lifetime(envelope.job, policy);
  if (endsAfterMs === undefined) return refused('PORTMATRIX_ENDS_AFTER_MS is not a number of milliseconds');
  return report({ ...envelope.job, endsAfterMs }, source, policy, folder);
}

function sourceOf({ nodes }: Envelope, node: string): string | undefined {
  return Object.hasOwn(nodes, node) ? nodes[node] : undefined;
}

/** The shortest of what the job, the policy and the document allow, less what has passed since this process began. */
function lifetime({ endsAfterMs }: Job, policy: Policy): number | undefined {
  const text = process.env['PORTMATRIX_ENDS_AFTER_MS'] ?? '';
  if (!/^(?:-?\d{1,12})?$/.test(text)) return undefined;
  const least = Math.min(endsAfterMs, policy.endsAfterMs, text === '' ? endsAfterMs : Number(text));
  return Math.max(1, Math.round(least - performance.now()));
}

async function report(job: Job, source: string, policy: Policy, folder: string): Promise<Saying> {
  // Each refused connection is an Error, and nobody reads its stack.
  Error.stackTraceLimit = 0;
  const stop = new AbortController();
  const parent = process.ppid;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const own = ownSurroundings();
  const hello = lineOf(await greeting(job, source, own));
  const isAllowed = gateOf(policy);
  const surroundings = {
    ...own,
    ...(job.kerberos !== undefined && { tickets: withoutTickets }),
    dial: guarded(
      own.dial,
      isAllowed,
      ({ address, port, transport }) => `${address} port ${port}/${transport} is not among what this document allows`,
    ),
  };
  const results: Settled[] = [];
  const reason = await run(
    job,
    source,
    (message) => {
      if (message.kind === 'result') results.push(message);
      else if (process.ppid !== parent) stop.abort();
    },
    stop.signal,
    surroundings,
  );
  const bye = lineOf({ kind: 'bye', reason });
  const step = stepBytes - hello.length - bye.length - wrapping;
  const pieces = slicesOf(fitFrame(job, source, results, { step, all: step + (mostParts - 1) * (stepBytes - wrapping) }), step);
  const [head = '', ...rest] = pieces;
  if (rest.length === 0) return { lines: [hello, lineOf({ kind: 'frame', text: head }), bye], code: 0 };
  const [part = '', ...kept] = pieces.map((text, index) => lineOf({ kind: 'part', part: index + 1, of: pieces.length, text }));
  const trouble = keepParts(folder, kept);
  if (trouble === undefined) return { lines: [hello, part, bye], code: 0 };
  const small = lineOf({ kind: 'frame', text: fitFrame(job, source, results, { step, all: step }) });
  return { lines: [hello, small, bye], code: 0, complaint: `no more than one step could be kept: ${trouble}` };
}

/** The first slice leaves room for the messages around it. */
function slicesOf(text: string, first: number): readonly string[] {
  const slices = [text.slice(0, first)];
  for (let at = first; at < text.length; at += stepBytes - wrapping) slices.push(text.slice(at, at + stepBytes - wrapping));
  return slices;
}

/** A message in ASCII: JSON may write any character as an escape. */
function lineOf(message: Message): string {
  return `${encodeMessage(message).replaceAll(/[\u007f-\uffff]/g, escapeCharacter)}\n`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    // What is longer is no job, and is read on so that whoever writes it does not break off.
    if (length <= longestInput) chunks.push(bytes);
  }
  return length > longestInput ? '' : Buffer.concat(chunks).toString();
}

function refused(complaint: string): Saying {
  return { lines: [], code: 20, complaint };
}

/** Writes, and waits until it is written, so that nothing is lost with the process. A reader that is gone is none to wait for. */
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (text === '') resolve();
    else stream.write(text, () => resolve());
  });
}

async function end({ lines, code, complaint }: Saying): Promise<void> {
  await write(process.stdout, lines.join(''));
  const said = complaint === undefined ? '' : `portmatrix: ${names[code]}: ${complaint.replaceAll(/[^ -~]/g, '?').slice(0, longestComplaint)}\n`;
  await write(process.stderr, said);
  // A resolver that hangs would hold the process, and with it the step, beyond its time.
  process.exit(code);
}

function fail(error: unknown): Promise<void> {
  return end({ lines: [], code: 21, complaint: error instanceof Error ? error.message : String(error) });
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('uncaughtException', (error) => void fail(error));
main(process.argv.slice(2)).then(end).catch(fail);

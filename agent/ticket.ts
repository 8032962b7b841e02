/**
 * Service tickets from one KDC and no other, asked for in a process of their own: libkrb5 cannot be interrupted, and a KDC that swallows the question holds
 * it for half a minute. Each order takes
 *
 * 1. a private folder, with a krb5.conf that knows one KDC by its address, over TCP, and neither DNS nor plugins; and, where the source has a credential
 *    cache, a copy of its ticket-granting tickets, so that no service ticket is found there and none is left in the user's cache;
 * 2. a process that loads the package `kerberos`, says that it asks, asks, and says what came; what KRB5_TRACE noted tells who answered;
 * 3. the end of both, whatever happens: whoever ordered lets go, and a process that loses its agent removes the folder and itself.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { KerberosUse } from './contract/job.ts';
import type { FailureCode } from './contract/outcome.ts';
import { readTrace } from './codecs/krb5-trace.ts';
import { type Credential, type CredentialPlaces, findCredential } from './credential.ts';
import { classify } from './net/classify.ts';
import type { Notice, Order, OrderTicket } from './net/dialogue.ts';

/** A way to tickets, or why there is none on this host. */
export type Tickets = { readonly order: OrderTicket } | { readonly code: FailureCode; readonly message: string };

/** What this host is, as far as tickets are concerned. */
export interface Place {
  readonly platform: NodeJS.Platform;
  /** Folder from which the package is looked for, after that of the installation. */
  readonly folder: string;
  readonly environment: CredentialPlaces;
  readonly user: number;
}

/** Finds what tickets take on a host. */
export type FindTickets = (use: KerberosUse, place: Place) => Tickets;

/**
 * Text of the process. Its standard input is its order, a line of JSON, and then nothing until the agent ends; what it says are lines of JSON. It makes the
 * folder itself, so that there is none without a process to remove it.
 */
const program = `
const { mkdirSync, rmSync, writeFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');
let folder;
const say = (message) => writeSync(1, JSON.stringify(message) + '\\n');
const end = (message) => { say(message); process.stdin.destroy(); };
const leave = () => { if (folder !== undefined) rmSync(folder, { recursive: true, force: true }); process.kill(process.pid, 'SIGKILL'); };
// Also where nobody is left to be told anything (EPIPE).
process.on('uncaughtException', leave);
const ask = ({ addons, service, principal, files, environment, ...order }) => {
  try {
    mkdirSync(order.folder, { mode: 0o700 });
    folder = order.folder;
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { encoding: 'base64', mode: 0o600 });
  } catch (error) { return end({ kind: 'unfurnished', trouble: String(error.message) }); }
  Object.assign(process.env, environment);
  let kerberos, trouble;
  for (const addon of addons) try { kerberos ??= require(addon); } catch (error) { trouble ??= String(error.message).split('\\n')[0]; }
  if (kerberos === undefined) return end({ kind: 'not-loaded', trouble });
  say({ kind: 'asking' });
  // With mutual authentication, and integrity, which DCs demand of a bind.
  const options = { mechOID: kerberos.GSS_MECH_OID_SPNEGO, gssFlag: kerberos.GSS_C_MUTUAL_FLAG | kerberos.GSS_C_INTEG_FLAG };
  kerberos.initializeClient(service, principal === undefined ? options : { ...options, principal })
    .then((client) => client.step(''))
    .then((token) => end({ kind: 'token', token }), (error) => end({ kind: 'refused', text: String(error.message) }));
};
let input = '';
process.stdin.setEncoding('utf8').on('end', leave).on('error', leave).on('data', (text) => {
  input += text;
  if (folder === undefined && input.endsWith('\\n')) ask(JSON.parse(input));
});`;

const packageName = 'kerberos';
const keptText = 300;
/** Longest output of the process: a token is at most 64 KiB, and its text a third longer. */
const longestOutput = 256 * 1024;

/** Finds what tickets take on this host: the package, and credentials. Sends nothing. */
export const findTickets: FindTickets = ({ installation, keytab }, { platform, folder, environment, user }) => {
  if (platform !== 'linux') {
    const kept = platform === 'win32' ? 'Windows keeps its tickets in SSPI, where this agent does not look' : `this host runs ${platform}`;
    return { code: 'not-equipped', message: `tickets are asked for from Linux only: ${kept}` };
  }
  const addons = [...new Set([installation, folder].flatMap(addonIn))];
  if (addons.length === 0) {
    return { code: 'not-equipped', message: `the package ${packageName} is not installed on the source (npm install kerberos@7.0.0 in ${folder})` };
  }
  const credential = findCredential(keytab, environment, user);
  if ('want' in credential) return { code: 'no-credentials', message: credential.want };
  const order: OrderTicket = (wanted, told) => orderWith(credential, addons, wanted, told);
  return { order: credential.kind === 'keytab' ? cautiously(order, credential.principal) : order };
};

/** KDC_ERR_PREAUTH_FAILED (RFC 4120 §7.5.9): the key is not the account's, which counts against it as a wrong password does. */
const wrongKey = 24;

/** Orders with a key one at a time until a KDC has taken it, and never again once one has refused it: tried at every DC, a key that is old would lock its account. */
function cautiously(order: OrderTicket, principal: string): OrderTicket {
  const waiting = new Set<() => void>();
  let state: 'untried' | 'on trial' | 'taken' | 'refused' = 'untried';
  const conclude = (result: 'untried' | 'taken' | 'refused'): void => {
    state = result;
    for (const start of state === 'untried' ? [...waiting].slice(0, 1) : [...waiting]) start();
  };
  return (wanted, told) => {
    let isTrial = false;
    let letGo = (): void => undefined;
    const end = (result: 'untried' | 'taken' | 'refused'): void => {
      if (!isTrial) return;
      isTrial = false;
      conclude(result);
    };
    const start = (): void => {
      waiting.delete(start);
      if (state === 'refused') {
        letGo = later(told, { kind: 'failed', code: 'no-credentials', message: `a KDC refused the key of ${principal}, so it is not tried again` });
        return;
      }
      isTrial = state === 'untried';
      if (isTrial) state = 'on trial';
      letGo = order(wanted, (notice) => {
        if (notice.kind === 'issue') end('errorCode' in notice.issue && notice.issue.errorCode === wrongKey ? 'refused' : 'taken');
        else if (notice.kind !== 'asking') end('untried');
        told(notice);
      });
    };
    if (state === 'on trial') waiting.add(start);
    else start();
    return () => {
      waiting.delete(start);
      letGo();
      end('untried');
    };
  };
}

function addonIn(folder: string): readonly string[] {
  try {
    return [createRequire(join(folder, 'package.json')).resolve(packageName)];
  } catch {
    // Not there: that is an answer.
    return [];
  }
}

function orderWith(credential: Credential, addons: readonly string[], order: Order, told: (notice: Notice) => void): () => void {
  const want = wantFor(credential, order, Date.now());
  if (want !== undefined) return later(told, { kind: 'failed', code: 'no-credentials', message: want });
  const folder = join(tmpdir(), `portmatrix-ticket-${randomUUID()}`);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Detached: who kills the agent's process group must not keep it from removing its folder.
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, ['-e', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { ...process.env, LC_ALL: 'C' },
  });
  let over = false;
  const tell = (notice: Notice): void => {
    if (over) return;
    over = notice.kind !== 'asking';
    told(notice);
  };
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < longestOutput) output += text;
    const lines = output.split('\n');
    output = lines.pop() ?? '';
    // Whatever else is printed there is none of ours.
    for (const line of lines) if (line.startsWith('{"kind":')) tell(noticeOf(JSON.parse(line), () => traceIn(folder), credential, order));
  });
  child.on('error', (error) => {
    const meaning = classify(error, 'tcp', order.address, 'before-send', true);
    tell({
      kind: 'failed',
      code: 'code' in meaning ? meaning.code : 'unclassified',
      message: `the process that asks for tickets did not start: ${error.message}`,
    });
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify({ addons, ...instructions(credential, order, folder) })}\n`);
  child.on('close', (status, killer) => {
    remove();
    tell({ kind: 'failed', code: 'unclassified', message: `the process that asks for tickets ended with ${killer ?? `exit code ${status}`}` });
  });
  return () => {
    over = true;
    child.kill('SIGKILL');
    remove();
  };
}

/** Why these credentials can get no ticket of that realm, or undefined when they may. */
function wantFor(credential: Credential, { realm, dnsName }: Order, now: number): string | undefined {
  if (realm === '') return `the domain of ${dnsName} is not known, so neither is its realm`;
  const isSame = (other: string): boolean => other.toUpperCase() === realm;
  if (credential.kind === 'keytab') {
    return isSame(credential.realm) ? undefined : `the key of ${credential.principal} is none of the realm ${realm}`;
  }
  const grants = credential.grants.filter((grant) => isSame(grant.realm));
  if (grants.length === 0) return `the credential cache of ${credential.principal} has no ticket-granting ticket for the realm ${realm}`;
  const ended = Math.max(...grants.map(({ endsAt }) => endsAt));
  return ended > now ? undefined : `the ticket-granting ticket of ${credential.principal} ended at ${new Date(ended).toISOString()}`;
}

function later(told: (notice: Notice) => void, notice: Notice): () => void {
  let over = false;
  queueMicrotask(() => {
    if (!over) told(notice);
  });
  return () => {
    over = true;
  };
}

/** What the process is told: whom to ask for what, and what libkrb5 finds in the folder and in the environment. */
function instructions(credential: Credential, { realm, dnsName, address, port, service }: Order, folder: string): Readonly<Record<string, unknown>> {
  const kdc = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const configuration = `[libdefaults]
 default_realm = ${realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 plugin_base_dir = ${folder}
[realms]
 ${realm} = {
  kdc = ${kdc}
 }
[domain_realm]
 ${dnsName} = ${realm}
`;
  const isCache = credential.kind === 'cache';
  const files = { 'krb5.conf': Buffer.from(configuration), ...(isCache && { cache: credential.bare }) };
  return {
    service: `${service}@${dnsName}`,
    ...(!isCache && { principal: credential.principal }),
    folder,
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, content.toString('base64')])),
    // Whatever could lead it elsewhere (another cache or key table, sssd's plugin, gssproxy, a `.k5identity`) is out of its sight.
    environment: {
      HOME: folder,
      KRB5_CONFIG: join(folder, 'krb5.conf'),
      KRB5_TRACE: join(folder, 'trace'),
      KRB5CCNAME: isCache ? `FILE:${join(folder, 'cache')}` : 'MEMORY:portmatrix',
      KRB5_CLIENT_KTNAME: `FILE:${isCache ? join(folder, 'none') : credential.file}`,
      GSS_USE_PROXY: 'no',
    },
  };
}

function traceIn(folder: string): string {
  try {
    return readFileSync(join(folder, 'trace'), 'utf8');
  } catch {
    // Nothing was noted, so nobody answered.
    return '';
  }
}

/** What a line of the process means. Only what the trace shows this KDC to have answered counts as its answer. */
export function noticeOf(
  line: unknown,
  trace: () => string,
  { principal }: Pick<Credential, 'principal'>,
  { address, port }: Pick<Order, 'address' | 'port'>,
): Notice {
  const { kind, token, text, trouble }: Readonly<Record<string, unknown>> = typeof line === 'object' && line !== null ? { ...line } : {};
  if (kind === 'asking') return { kind: 'asking' };
  if (kind === 'not-loaded') {
    const message = `the package ${packageName} cannot be loaded on the source (it takes MIT Kerberos, libgssapi_krb5, and a build): ${clip(trouble)}`;
    return { kind: 'failed', code: 'not-equipped', message };
  }
  if (kind === 'unfurnished')
    return { kind: 'failed', code: 'unclassified', message: `the files that a ticket takes cannot be written: ${clip(trouble)}` };
  const { answered, errorCode } = readTrace(trace(), address, port);
  if (kind === 'token' && answered) return { kind: 'issue', issue: { principal, token: Buffer.from(String(token), 'base64') } };
  if (kind === 'token') return { kind: 'failed', code: 'unclassified', message: `a ticket came, and not from ${address}:${port} over TCP` };
  if (errorCode !== undefined) return { kind: 'issue', issue: { principal, errorCode } };
  if (!answered && /Cannot contact any KDC/.test(String(text))) return { kind: 'unreached' };
  const isOurs = /[Cc]redential|Decrypt integrity check failed|key table|keytab/.test(String(text));
  return { kind: 'failed', code: isOurs ? 'no-credentials' : 'unclassified', message: clip(text) };
}

/** Without the words that every error of GSSAPI begins with. */
function clip(text: unknown): string {
  return String(text)
    .replace(/^Unspecified GSS failure\. {2}Minor code may provide more information: /, '')
    .slice(0, keptText);
}

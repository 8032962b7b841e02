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
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Text of the process; `say` lines are JSON. Its standard input says nothing and ends with the agent. */
const program = `
const { rmSync, writeSync } = require('node:fs');
const { addons, service, principal, folder } = JSON.parse(process.argv[1]);
const leave = () => { rmSync(folder, { recursive: true, force: true }); process.kill(process.pid, 'SIGKILL'); };
process.stdin.resume().on('end', leave).on('error', leave);
const say = (message) => writeSync(1, JSON.stringify(message) + '\\n');
const end = (message) => { say(message); process.stdin.destroy(); };
let kerberos, trouble;
for (const addon of addons) try { kerberos ??= require(addon); } catch (error) { trouble ??= String(error.message).split('\\n')[0]; }
if (kerberos === undefined) end({ kind: 'not-loaded', trouble });
else {
  say({ kind: 'asking' });
  // With mutual authentication, and integrity, which DCs demand of a bind.
  const options = { mechOID: kerberos.GSS_MECH_OID_SPNEGO, gssFlag: kerberos.GSS_C_MUTUAL_FLAG | kerberos.GSS_C_INTEG_FLAG };
  kerberos.initializeClient(service, principal === undefined ? options : { ...options, principal })
    .then((client) => client.step(''))
    .then((token) => end({ kind: 'token', token }), (error) => end({ kind: 'refused', text: String(error.message) }));
}`;

const packageName = 'kerberos';
const keptText = 300;
/** Longest output of the process: a token is at most 64 KiB, and its text a third longer. */
const longestOutput = 256 * 1024;

/** Finds what tickets take on this host: the package, and credentials. Sends nothing. */
export function findTickets({ installation, keytab }: KerberosUse, { platform, folder, environment, user }: Place): Tickets {
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
  return { order: (wanted, told) => orderWith(credential, addons, wanted, told) };
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
  let folder: string;
  try {
    folder = furnish(credential, order);
  } catch (error) {
    const message = `the files that a ticket takes cannot be written: ${error instanceof Error ? error.message : String(error)}`;
    return later(told, { kind: 'failed', code: 'unclassified', message });
  }
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const question = {
    addons,
    service: `${order.service}@${order.dnsName}`,
    folder,
    ...(credential.kind === 'keytab' && { principal: credential.principal }),
  };
  // Detached: who kills the agent's process group must not keep it from removing its folder.
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, ['-e', program, JSON.stringify(question)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { ...process.env, ...environmentIn(folder, credential) },
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
    for (const line of lines) tell(noticeOf(JSON.parse(line), () => traceIn(folder), credential, order));
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
  return () => (over = true);
}

/** Writes what libkrb5 reads into a new folder that only this user may enter, and returns its path. */
function furnish(credential: Credential, { realm, dnsName, address, port }: Order): string {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-ticket-'));
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
  try {
    writeFileSync(join(folder, 'krb5.conf'), configuration, { mode: 0o600 });
    if (credential.kind === 'cache') writeFileSync(join(folder, 'cache'), credential.bare, { mode: 0o600 });
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What libkrb5 goes by. Whatever could lead it elsewhere (another cache or key table, sssd's plugin, gssproxy, a `.k5identity`) is out of its sight. */
function environmentIn(folder: string, credential: Credential): NodeJS.ProcessEnv {
  const isCache = credential.kind === 'cache';
  return {
    LC_ALL: 'C',
    HOME: folder,
    KRB5_CONFIG: join(folder, 'krb5.conf'),
    KRB5_TRACE: join(folder, 'trace'),
    KRB5CCNAME: isCache ? `FILE:${join(folder, 'cache')}` : 'MEMORY:portmatrix',
    KRB5_CLIENT_KTNAME: `FILE:${isCache ? join(folder, 'none') : credential.file}`,
    GSS_USE_PROXY: 'no',
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

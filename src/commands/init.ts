/** `portmatrix init`: an inventory to start from, with the DCs that DNS names from this host. Asks what a domain member asks, and nothing else. */
import { readFileSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Argv } from 'yargs';
import { contractVersion } from '../../agent/contract/job.ts';
import type { Located } from '../../agent/contract/locate.ts';
import type { Connection } from '../connectors/connector.ts';
import { connectByCommand } from '../connectors/exec.ts';
import { fillHost } from '../host.ts';
import { type Draft, draftInventory } from '../inventory-text.ts';
import { locate } from '../locate.ts';
import { resolve as resolution } from '../preflight/resolution.ts';
import type { Self } from '../preflight/selection.ts';
import { bare, quote } from '../quotation.ts';
import { count } from '../reporters/text.ts';
import { searchDomains } from '../search-domain.ts';
import { UsageError } from '../usage-error.ts';
import { type ExitCode, list, type Terminal } from './command.ts';
import { runId } from './options.ts';
import { addressOf, domainOf, thisHost } from './preflight.ts';

export function describeInit(argv: Argv) {
  return argv
    .option('domain', {
      type: 'string',
      requiresArg: true,
      describe: 'DNS name of the AD domain whose DCs are looked for',
      defaultDescription: "this host's DNS search domain",
    })
    .option('dns-server', { type: 'string', array: true, requiresArg: true, describe: 'ask these resolvers instead of those of this host' })
    .option('out', {
      type: 'string',
      requiresArg: true,
      default: 'inventory.yaml',
      describe: 'the new file; - is stdout',
    })
    .example('$0 init', "asks for the DCs of this host's own domain, and writes inventory.yaml")
    .example('$0 init --domain corp.example.com --out corp.yaml', 'a domain by name, a file by name')
    .example('$0 init --domain corp.example.com --dns-server 10.0.1.10 --out -', 'asks one resolver, and writes to stdout')
    .epilogue(
      'Exit codes: 0 written, with the DCs that were found, or as a template where there were none (stderr says which); 2 wrong usage, or the file is there already: nothing was asked; 3 interrupted, or it could not be written.',
    );
}

interface InitOptions {
  readonly domain?: string | undefined;
  readonly dnsServer?: readonly string[] | undefined;
  readonly out: string;
}

/** Where the question is asked: this machine, or what a test puts in its place. */
export interface Ground {
  readonly self: Self;
  /** The domains to look in when the user names none. */
  readonly domains: readonly string[];
  readonly connection: Connection;
}

/** Looks for DCs, writes the inventory, and says on stderr what it is and what comes next. Never overwrites. */
export async function initCommand(options: InitOptions, terminal: Terminal, ground: Ground = thisGround()): Promise<ExitCode> {
  const given = options.domain === undefined ? undefined : domainOf('--domain', options.domain);
  const resolvers = [...new Set(list('--dns-server', options.dnsServer).map((text) => addressOf('--dns-server', text)))];
  if (options.out === '') throw new UsageError('--out is empty, expected the name of a new file, or - for stdout');
  const path = resolve(terminal.cwd, options.out);
  const file = options.out === '-' ? undefined : await openNew(options.out, path);
  let isWritten = false;
  try {
    const search = await lookFor(given, resolvers, terminal, ground);
    if (terminal.stop.aborted) {
      terminal.err('Interrupted: nothing was written.\n');
      return 3;
    }
    const draft = draftInventory({
      file: file === undefined ? 'inventory.yaml' : options.out,
      today: new Date().toISOString().slice(0, 10),
      self: ground.self,
      ...search,
    });
    if (file === undefined) await terminal.out(draft.text);
    else {
      const problem = await write(file, draft.text);
      if (problem !== undefined) {
        terminal.err(`portmatrix: ${path} cannot be written: ${problem}\n`);
        return 3;
      }
      isWritten = true;
    }
    for (const line of nextSteps(draft, file === undefined ? undefined : options.out)) terminal.err(`${line}\n`);
    return 0;
  } finally {
    await file?.close();
    if (file !== undefined && !isWritten) await rm(path, { force: true });
  }
}

/** The first of the domains that has a DC, and what was found; otherwise the domain that the user named. Says what it does. */
async function lookFor(
  given: string | undefined,
  resolvers: readonly string[],
  { err, stop, emergency }: Terminal,
  { self, domains, connection }: Ground,
): Promise<{ readonly domain?: string; readonly located?: Located }> {
  const wanted = given === undefined ? domains : [given];
  if (wanted.length === 0) err('This host has no DNS search domain, so that no DC was looked for: --domain names one.\n');
  for (const domain of wanted) {
    err(`Looking for the DCs of ${domain}${given === undefined ? ", this host's DNS search domain (--domain names another)" : ''}.\n`);
    const job = { kind: 'locate', contract: contractVersion, run: runId(new Date()), domain, resolvers, dcs: [] } as const;
    const search = await locate({ ...job, timeoutMs: 3_000, attempts: 2, endsAfterMs: 60_000 }, asker(self), connection, {
      soft: stop,
      hard: emergency,
    });
    if (stop.aborted) break;
    if ('lost' in search) err(`Nobody could look: ${bare(search.lost, 400)}.\n`);
    else if (search.located.candidates.length > 0) return { domain, located: search.located };
    else err(`No DC of ${domain} was found: ${reasons(search.located, domain).join('; ')}.\n`);
  }
  return { ...(given !== undefined && { domain: given }) };
}

/** Why there is none, resolver by resolver. */
function reasons(located: Located, domain: string): readonly string[] {
  const { resolvers } = resolution(located, domain);
  if (resolvers.length === 0) return ['this host has no resolver'];
  return resolvers.map(({ address, state, rcode, dcs }) => {
    const by = bare(address);
    if (state === 'answered') return dcs > 0 ? `${by} names ${count(dcs, 'DC')} and no address` : `${by} answers ${bare(rcode ?? '')}`;
    return { refused: `${by} refuses`, silent: `${by} does not answer`, 'not-asked': `${by} could not be asked` }[state];
  });
}

function* nextSteps({ dcs, leftOut }: Draft, out: string | undefined): Generator<string, void> {
  const name = out === undefined ? 'inventory.yaml' : bare(out, 400);
  const what = dcs === 0 ? 'a template: edit what says so' : `${count(dcs, 'DC')} and this host: read it before you use it`;
  yield `Written: ${out === undefined ? 'stdout' : name}, ${what}.`;
  if (leftOut > 0) yield `Left out: ${leftOut} of what was found: too many, or a name or an address that no host can have.`;
  yield `Next: portmatrix validate -i ${name}`;
  yield `      portmatrix plan -i ${name}`;
  yield `      portmatrix run -i ${name}`;
}

async function openNew(out: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'EEXIST')
      throw new UsageError(`--out ${quote(out)} is there already, and nothing is overwritten: expected the name of a new file`);
    if (error.code === 'ENOENT') throw new UsageError(`--out ${quote(out)} cannot be written: there is no folder ${bare(dirname(path), 400)}`);
    throw new UsageError(`--out ${quote(out)} cannot be written: ${error.message}, expected the name of a new file`);
  }
}

/** Why the text could not be written, if it could not. */
async function write(file: FileHandle, text: string): Promise<string | undefined> {
  try {
    await file.writeFile(text);
    await file.sync();
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return error.message;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** This host as the one that asks. */
function asker({ name, addresses }: Self) {
  return fillHost({ name, address: addresses[0] ?? '127.0.0.1', roles: ['client'], connector: 'local' }, {}, undefined);
}

function thisGround(): Ground {
  const domains = searchDomains({ resolvConf: textOf('/etc/resolv.conf'), userDomain: process.env['USERDNSDOMAIN'], hostname: hostname() });
  return { self: thisHost(), domains, connection: connectByCommand() };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Windows has none, and what cannot be read names no domain.
    return '';
  }
}

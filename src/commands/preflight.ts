/** `portmatrix preflight`: will a domain join, or what else this host is about to do, go through? Asked from this host, with nothing but DNS. */
import { hostname, networkInterfaces, platform } from 'node:os';
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { contractVersion } from '../../agent/contract/job.ts';
import { canonicalAddress, isHostAddress } from '../address.ts';
import { connectByCommand } from '../connectors/exec.ts';
import { isDomainName } from '../domain-name.ts';
import { findMatrix, type Matrix } from '../matrix.ts';
import { type DomainPurpose, type Purpose, purposes } from '../preflight/conclusion.ts';
import { endpointQuestions, questionsOf } from '../preflight/purpose.ts';
import type { Self } from '../preflight/selection.ts';
import { preflight, preflightEndpoints, preflightTrust, type Surroundings } from '../preflight.ts';
import { quote } from '../quotation.ts';
import { type Format, formats, reporters } from '../reporters/registry.ts';
import { exitCode, type Report } from '../report.ts';
import { openRun, writeRun } from '../store.ts';
import { UsageError } from '../usage-error.ts';
import { type ExitCode, list, type Terminal } from './command.ts';
import { runId } from './options.ts';

export function describePreflight(argv: Argv) {
  return argv
    .option('domain', { type: 'string', requiresArg: true, describe: 'DNS name of the AD domain; every purpose but ssm needs it' })
    .option('purpose', {
      choices: purposes,
      requiresArg: true,
      describe: 'what this host is about to do',
      defaultDescription: 'join-windows on Windows, else join-linux',
    })
    .option('trusted-domain', { type: 'string', requiresArg: true, describe: 'with --purpose trust: DNS name of the other AD domain' })
    .option('region', {
      type: 'string',
      requiresArg: true,
      describe: 'with --purpose ssm: the AWS Region',
      defaultDescription: 'AWS_REGION, else AWS_DEFAULT_REGION',
    })
    .option('dc', { type: 'string', array: true, requiresArg: true, describe: 'a DC that is asked whatever DNS says: name=IP' })
    .option('dns-server', { type: 'string', array: true, requiresArg: true, describe: 'ask these resolvers instead of those of this host' })
    .option('format', { choices: formats, requiresArg: true, default: 'table' as const, describe: 'what goes to stdout' })
    .option('out', { type: 'string', requiresArg: true, describe: 'folder for report.json and junit.xml', defaultDescription: 'reports/<run id>' })
    .example('$0 preflight --domain corp.example.com', 'before realm join, or on Windows before Add-Computer')
    .example('$0 preflight --domain corp.example.com && realm join corp.example.com', 'as a gate: joins only after a GO')
    .example('$0 preflight --domain corp.example.com --dc dc1=10.0.1.10', 'every port of dc1 is asked even when DNS is down')
    .example(
      '$0 preflight --domain corp.example.com --purpose ad-connector --dns-server 10.0.1.10 --dns-server 10.0.2.10',
      'from a subnet of the directory',
    )
    .example(
      '$0 preflight --domain corp.example.com --purpose trust --trusted-domain partner.example.com',
      'on the PDC emulator of corp; then the other way round on that of partner',
    )
    .example('$0 preflight --purpose ssm --region eu-central-1', 'before the SSM Agent is installed: its endpoints, with the proxy in force')
    .epilogue(
      'Exit codes: 0 GO, with or without warnings; 1 NO-GO; 2 wrong usage, nothing was sent; 3 undecided, or a promotion or a trust, of which only the way out can be asked from here.',
    );
}

interface PreflightOptions {
  readonly domain?: string | undefined;
  readonly region?: string | undefined;
  readonly purpose?: Purpose | undefined;
  readonly trustedDomain?: string | undefined;
  readonly dc?: readonly string[] | undefined;
  readonly dnsServer?: readonly string[] | undefined;
  readonly format: Format;
  readonly out?: string | undefined;
}

/** Looks, concludes, writes the files and prints the report. Exits as the conclusion deserves. */
export async function preflightCommand(options: PreflightOptions, terminal: Terminal): Promise<ExitCode> {
  const purpose = options.purpose ?? (platform() === 'win32' ? 'join-windows' : 'join-linux');
  const published = (name: string): Matrix => findMatrix(name, { cwd: terminal.cwd, asPublished: false });
  if (purpose === 'ssm') {
    const region = regionOf(options);
    const intent = { questions: endpointQuestions(published('ssm-endpoints')), self: thisHost() };
    return conduct(options, terminal, (run, surroundings) => preflightEndpoints(run, region, intent, surroundings));
  }
  if (options.region !== undefined)
    throw new UsageError(`--region ${quote(options.region)} is of no use with --purpose ${purpose}: expected --purpose ssm`);
  if (options.domain === undefined)
    throw new UsageError(`--domain is missing: expected the DNS name of the AD domain, like corp.example.com (only --purpose ssm needs none)`);
  const domain = domainOf('--domain', options.domain);
  const dcs = list('--dc', options.dc).map((text) => namedDc(text, domain));
  const resolvers = [...new Set(list('--dns-server', options.dnsServer).map((text) => addressOf('--dns-server', text)))];
  const trusted = trustedDomainOf(options, purpose, domain);
  const questions = questionsOf(purpose, { clientToDc: published('client-to-dc'), dcToDc: published('dc-to-dc') });
  const intent = { purpose, questions, self: thisHost() };
  return conduct(options, terminal, (run, surroundings) => {
    const job = {
      kind: 'locate',
      contract: contractVersion,
      run,
      domain,
      resolvers,
      dcs,
      timeoutMs: 3_000,
      attempts: 2,
      endsAfterMs: 60_000,
    } as const;
    return trusted === undefined ? preflight(job, intent, surroundings) : preflightTrust(job, trusted, intent, surroundings);
  });
}

/** Opens the run's folder, looks, writes the files and prints the report. */
async function conduct(
  options: PreflightOptions,
  terminal: Terminal,
  look: (run: string, surroundings: Surroundings) => Promise<Report>,
): Promise<ExitCode> {
  const run = runId(new Date());
  if (options.out === '') throw new UsageError('--out is empty, expected a folder');
  const folder = resolve(terminal.cwd, options.out ?? `reports/${run}`);
  await openRun(folder);
  const { version, stop: signal, emergency } = terminal;
  const report = await look(run, { connection: connectByCommand(), version, signal, emergency, now: Date.now });
  const { written, problems } = await writeRun(folder, report);
  for (const chunk of reporters[options.format](report, terminal)) await terminal.out(chunk);
  if (written.length > 0) terminal.err(`Written: ${written.join(', ')}\n`);
  for (const problem of problems) terminal.err(`portmatrix: ${problem}\n`);
  const code = exitCode(report);
  return problems.length > 0 && code === 0 ? 3 : code;
}

/** This host's name, and its addresses that others can see. */
export function thisHost(): Self {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
  const [name = ''] = hostname().split('.', 1);
  return { name: /^[\w-]{1,63}$/.test(name) ? name : 'this-host', addresses };
}

/** The Region whose endpoints are asked. Options that concern a domain have nothing to do there. */
function regionOf({ region, domain, trustedDomain, dc, dnsServer }: PreflightOptions): string {
  const idle = { '--domain': domain, '--trusted-domain': trustedDomain, '--dc': dc, '--dns-server': dnsServer };
  const [option] = Object.entries(idle).find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined) throw new UsageError(`${option} is of no use with --purpose ssm: expected --region at most`);
  const variable = ['AWS_REGION', 'AWS_DEFAULT_REGION'].find((name) => (process.env[name] ?? '') !== '');
  const text = region ?? (variable === undefined ? undefined : process.env[variable]);
  if (text === undefined) throw new UsageError('--region is missing: expected an AWS Region, like eu-central-1, here or in AWS_REGION');
  if (/^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}$/.test(text)) return text;
  throw new UsageError(`${region === undefined ? variable : '--region'} ${quote(text)} is not an AWS Region: expected one like eu-central-1`);
}

/** The other domain of a trust; undefined for any other purpose. */
function trustedDomainOf({ trustedDomain }: PreflightOptions, purpose: DomainPurpose, domain: string): string | undefined {
  if (purpose !== 'trust') {
    if (trustedDomain === undefined) return undefined;
    throw new UsageError(`--trusted-domain ${quote(trustedDomain)} is of no use with --purpose ${purpose}: expected --purpose trust`);
  }
  if (trustedDomain === undefined)
    throw new UsageError('--trusted-domain is missing: expected the DNS name of the domain that the trust is to be made with');
  const trusted = domainOf('--trusted-domain', trustedDomain);
  if (trusted === domain) throw new UsageError(`--trusted-domain ${quote(trustedDomain)} is the domain itself: expected another one`);
  return trusted;
}

/** The domain that an option names, in lower case and without a dot at its end; a `UsageError` for what is none. */
export function domainOf(option: string, text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '');
  if (isDomainName(domain)) return domain;
  throw new UsageError(`${option} ${quote(text)} is not a DNS name: expected one like corp.example.com`);
}

function namedDc(text: string, domain: string): { readonly dnsName: string; readonly address: string } {
  const [, name = '', address = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!/^[\w-]{1,63}(\.[\w-]{1,63})*\.?$/.test(name))
    throw new UsageError(`--dc ${quote(text)} is not a DC: expected its name and address, like dc1=10.0.1.10`);
  const dnsName = name.toLowerCase().replace(/\.$/, '');
  return { dnsName: dnsName.includes('.') ? dnsName : `${dnsName}.${domain}`, address: addressOf('--dc', address) };
}

/** The address of an option, in its one spelling; a `UsageError` for what is none. */
export function addressOf(option: string, text: string): string {
  if (!isHostAddress(text)) throw new UsageError(`${option} ${quote(text)} is not an address: expected an IPv4 or IPv6 address`);
  return canonicalAddress(text);
}

/**
 * The documents of Systems Manager that run the agent on a host: schema 2.2, made of the scripts under `agent/ssm/` and of what the publisher decides. What is
 * decided here is a literal of the document's version; who sends the command chooses nothing but the parameters.
 */
import { packPolicy } from '../agent/contract/policy.ts';
import {
  checkLiterals,
  expectLiteral,
  type Literals,
  type PackageHashes,
  type PackageLocation,
  paths,
  type Platform,
  platforms,
  storageHost,
  urlsOf,
} from './document-literal.ts';
import { UsageError } from './usage-error.ts';

/** The scripts under `agent/ssm/`, by file name. */
export type Scripts = Readonly<Record<'run.sh' | 'inline.sh' | 'part.sh' | 'run.ps1' | 'part.ps1', string>>;

/** Names of the documents. */
export const documentName = 'PortMatrix-Agent';
export const inlineDocumentName = 'PortMatrix-Agent-Inline';

/** Systems Manager's limit, in bytes, for a document and the parameters of a command together. */
export const documentLimit = 65_536;
/** Most characters that `Job` may have. */
export const longestJob = 30_000;
const longestUrl = 2_048;
/** For the other parameters, and for what the service may add. */
const reserve = 512;

/** Output steps of a platform, beside its run step: parts 2 to this. */
export const mostParts = 6;

/**
 * What `Fetch` may say: where a host gets its package from when it has none. A step takes one precondition, so it names the platform too. Where the publisher
 * named no place for addresses, none can be given.
 */
export function fetchesOf(literals: Pick<Literals, 'location' | 'urls'>): readonly string[] {
  return ['cached', ...(urlsOf(literals).length === 0 ? [] : ['url']), ...platforms.map((platform) => `download-${platform}`)];
}

/** The steps that fetch packages, by package. */
export const downloadSteps = {
  'linux-x64': 'DownloadLinux',
  'linux-arm64': 'DownloadLinuxArm',
  'windows-x64': 'DownloadWindows',
} as const satisfies Readonly<Record<Platform, string>>;

/** Patterns of the parameters, in the subset that Java, RE2 and JavaScript read alike. RE2 refuses counts over 1000: lengths are limits of their own. */
export const parameterPatterns = {
  Job: '^[A-Za-z0-9+/=]+$',
  PackageUrl: '^(https://[A-Za-z0-9._~:/?&=%+-]+)?$',
  // Systems Manager makes 3600 of everything that is not 5 to 172800; below 20 nothing is left for the agent.
  ExecutionTimeout: '^([2-9][0-9]|[1-9][0-9]{2,4}|1[0-6][0-9]{4}|17[01][0-9]{3}|172[0-7][0-9]{2}|172800)$',
} as const;

/** File name of a package, and its key below the location's prefix: its content decides it, so that nobody's package is ever replaced. */
export function packageName(platform: Platform): string {
  return `portmatrix-agent-${platform}.${platform.startsWith('windows') ? 'zip' : 'tar.gz'}`;
}

export function packageKey({ prefix }: Pick<PackageLocation, 'prefix'>, platform: Platform, archive: string): string {
  return `${prefix}${archive}/${packageName(platform)}`;
}

/** Name of the step that runs the agent, and of the step that prints part `part` (2 to `mostParts`) of its results. */
export function runStep(os: 'linux' | 'windows'): string {
  return os === 'linux' ? 'RunLinux' : 'RunWindows';
}

export function partStep(os: 'linux' | 'windows', part: number): string {
  return `${os === 'linux' ? 'Linux' : 'Windows'}Part${part}`;
}

/** The document as JSON text. The same literals and scripts give the same bytes. A literal that could be more than data in a script is a `UsageError`. */
export function documentFor(literals: Literals, scripts: Scripts): string {
  checkLiterals(literals);
  const { packages, location } = literals;
  const fetches = fetchesOf(literals);
  const downloads = platforms.flatMap((platform) => {
    const hashes = packages[platform];
    return hashes === undefined || location === undefined ? [] : [downloadStep(platform, hashes, location)];
  });
  return serialise({
    schemaVersion: '2.2',
    description: describeDocument(literals),
    parameters: {
      Job: jobParameter(longestJob),
      Fetch: {
        type: 'String',
        description: 'Where a host that has no package gets it from.',
        default: 'cached',
        allowedValues: fetches,
        allowedPattern: `^(${fetches.join('|')})$`,
      },
      PackageUrl: {
        type: 'String',
        description: 'With Fetch url: where the package of these hosts can be read, a presigned address at a place that is allowed.',
        default: '',
        maxChars: longestUrl,
        allowedPattern: parameterPatterns.PackageUrl,
        interpolationType: 'ENV_VAR',
      },
      ExecutionTimeout: timeoutParameter,
    },
    mainSteps: [
      ...downloads,
      ...scriptSteps('linux', fill(scripts['run.sh'], fillings(literals, 'linux')), scripts['part.sh'], literals),
      ...scriptSteps('windows', fill(scripts['run.ps1'], fillings(literals, 'windows')), scripts['part.ps1'], literals),
    ],
  });
}

/** What the document that carries the agent in itself needs: hosts with an installed Node.js >= 22.18 and no package. */
export interface InlineLiterals extends Omit<Literals, 'packages' | 'location' | 'urls'> {
  /** The agent, brotli in base64. */
  readonly inline: string;
  readonly nodes: readonly string[];
}

/** The same for Linux hosts that have Node.js; it takes `Job` and `ExecutionTimeout` only. `Job` may be as long as what is left allows. */
export function inlineDocumentFor(literals: InlineLiterals, scripts: Scripts): string {
  checkLiterals({ ...literals, packages: {} });
  const { inline, nodes } = literals;
  expectLiteral('bundle', inline, /^[A-Za-z0-9+/=]+$/);
  for (const node of nodes) expectLiteral('path of Node.js', node, paths.linux);
  const whole = scripts['run.sh'].replace(/^# <package>\n[^]*^# <\/package>\n/m, () => scripts['inline.sh']);
  const script = fill(whole, { ...fillings({ ...literals, packages: {} }, 'linux'), inline, nodes: nodes.join(' ') });
  const make = (longest: number): string =>
    serialise({
      schemaVersion: '2.2',
      description: describeDocument(literals),
      parameters: { Job: jobParameter(longest), ExecutionTimeout: timeoutParameter },
      mainSteps: scriptSteps('linux', script, scripts['part.sh'], literals),
    });
  return make(Math.min(longestJob, documentLimit - Buffer.byteLength(make(longestJob)) - reserve));
}

/** Most characters that the job of a command may have, in the document of that text. */
export function roomForJob(document: string): number {
  const { parameters }: { readonly parameters: { readonly Job: { readonly maxChars: number }; readonly PackageUrl?: unknown } } =
    JSON.parse(document);
  const left = documentLimit - Buffer.byteLength(document) - reserve - (parameters.PackageUrl === undefined ? 0 : longestUrl);
  return Math.min(parameters.Job.maxChars, left);
}

/** A job of a few hosts and all matrices has some 3,000 characters. */
const shortestRoom = 6_000;

/** Throws a `UsageError` for a document that nobody could use: one that is too long, or leaves no room for a job. */
export function expectRoom(name: string, document: string): void {
  const bytes = Buffer.byteLength(document);
  if (bytes <= documentLimit && roomForJob(document) >= shortestRoom) return;
  throw new UsageError(
    `${name} would have ${bytes} bytes, which leaves too little for a job: expected fewer networks and ports, like --allow-destination 10.0.0.0/8`,
  );
}

const timeoutParameter = {
  type: 'String',
  description: 'Seconds until the run step is ended; the agent ends 15 seconds before.',
  default: '600',
  allowedPattern: parameterPatterns.ExecutionTimeout,
} as const;

function jobParameter(maxChars: number) {
  return {
    type: 'String',
    description: 'What is asked: brotli of JSON, in base64. It can ask no more than the policy allows.',
    minChars: 4,
    maxChars,
    allowedPattern: parameterPatterns.Job,
    interpolationType: 'ENV_VAR',
  } as const;
}

/** For whoever reads the document before it is allowed. */
function describeDocument({ contract, policy }: Pick<Literals, 'contract' | 'policy'>): string {
  const { destinations, ports, endsAfterMs } = policy;
  const some = (words: readonly string[]): string =>
    words.length <= 12 ? words.join(', ') : `${words.slice(0, 12).join(', ')} and ${words.length - 12} more`;
  return `Asks hosts for ports that Active Directory needs, and runs nothing else (portmatrix, contract ${contract}). Dials ${some(destinations) || 'nothing'} on ${some(ports) || 'no port'}, for at most ${Math.ceil(endsAfterMs / 1000)} s.`;
}

function downloadStep(platform: Platform, { archive }: PackageHashes, location: PackageLocation) {
  const { bucket, region } = location;
  return {
    action: 'aws:downloadContent',
    name: downloadSteps[platform],
    precondition: { StringEquals: ['{{ Fetch }}', `download-${platform}`] },
    // Without a destination: the folder `downloads` of this command, which the run step starts in.
    inputs: {
      sourceType: 'S3',
      sourceInfo: JSON.stringify({ path: `https://${storageHost(region)}/${bucket}/${packageKey(location, platform, archive)}` }),
    },
  };
}

function scriptSteps(os: 'linux' | 'windows', run: string, part: string, { cache }: Pick<Literals, 'cache'>) {
  const step = (name: string, script: string, timeoutSeconds: string) => ({
    action: os === 'linux' ? 'aws:runShellScript' : 'aws:runPowerShellScript',
    name,
    precondition: { StringEquals: ['platformType', os === 'linux' ? 'Linux' : 'Windows'] },
    inputs: { timeoutSeconds, runCommand: script.trimEnd().split('\n') },
  });
  const parts = Array.from({ length: mostParts - 1 }, (_, index) => index + 2);
  return [
    step(runStep(os), run, '{{ ExecutionTimeout }}'),
    ...parts.map((number) => {
      const script = fill(part, { cache: cache[os], part: String(number) });
      // The same five times: the first says what it is.
      return step(partStep(os, number), number === 2 ? script : script.replaceAll(/^# .*\n/gm, ''), '60');
    }),
  ];
}

function fillings(literals: Literals, os: 'linux' | 'windows'): Readonly<Record<string, string>> {
  const { cache, offline, bundle, policy, packages } = literals;
  const hashes = platforms.flatMap((platform) => [
    [`${platform}.runtime`, packages[platform]?.runtime ?? ''] as const,
    [`${platform}.archive`, packages[platform]?.archive ?? ''] as const,
  ]);
  const urls = urlsOf(literals).join(' ');
  return { cache: cache[os], offline: offline[os], urls, bundle, policy: packPolicy(policy), ...Object.fromEntries(hashes) };
}

/** Puts the literals in the places of a script. Of its comments the first goes along, and what is for a linter: a document has little room. */
function fill(script: string, values: Readonly<Record<string, string>>): string {
  const [head = ''] = /^(#.*\n)*/.exec(script) ?? [];
  const code = script.slice(head.length).replaceAll(/^ *# (?!shellcheck ).*\n/gm, '');
  return `${head}${code}`.replaceAll(/@([a-z0-9.-]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the script has a place "${name}" for which there is no literal`);
    return value;
  });
}

function serialise(document: unknown): string {
  const text = `${JSON.stringify(document, null, 1)}\n`;
  // A few bytes of indentation are what makes it readable; too large, it goes without.
  return Buffer.byteLength(text) + longestJob + longestUrl + reserve <= documentLimit ? text : `${JSON.stringify(document)}\n`;
}

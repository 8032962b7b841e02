/** The options of `agent publish`, and what they come to before anything is asked of AWS. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { Policy } from '../../agent/contract/policy.ts';
import { documentName } from '../agent-document.ts';
import { type Aws, type AwsPlace, nameOf, openAws } from '../aws.ts';
import { urlBeginning } from '../document-literal.ts';
import { readInventory } from '../inventory.ts';
import { findMatrix, publishedMatrices } from '../matrix.ts';
import { allowanceOf } from '../plan-allowance.ts';
import { expectBucket, expectFolder } from '../publication/location.ts';
import { meantPlaces, meantPolicy, placesOf } from '../publication/target.ts';
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';
import { list, wholeNumber } from './command.ts';
import { planInScope, withScope } from './scope.ts';

/** Adds the options to the command. */
export function describePublish(argv: Argv) {
  return withScope(argv)
    .option('bucket', { type: 'string', demandOption: true, requiresArg: true, describe: 'the bucket for the packages' })
    .option('prefix', { type: 'string', requiresArg: true, default: 'packages/', describe: 'its folder for them' })
    .option('package-url', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'more places that nodes may be told to fetch packages from: how their addresses begin, for example at an S3 interface endpoint',
      defaultDescription: 'those of presigned addresses of the bucket',
    })
    .option('bucket-account', {
      type: 'string',
      requiresArg: true,
      describe: 'the account of the bucket, by its name in the inventory',
      defaultDescription: 'that of the nodes if it is one, else your own credentials',
    })
    .option('inventory', {
      alias: 'i',
      type: 'string',
      requiresArg: true,
      describe: 'the hosts: says in which accounts and Regions to publish, and allows exactly what its plan asks',
    })
    .option('region', { type: 'string', array: true, requiresArg: true, describe: 'only these Regions' })
    .option('account', { type: 'string', array: true, requiresArg: true, describe: 'only these accounts, by their names in the inventory' })
    .option('allow-destination', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'networks that agents may dial, whoever sends the command',
      defaultDescription: 'the addresses that the inventory has them ask',
    })
    .option('allow-port', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'ports that agents may dial',
      defaultDescription: 'those that the inventory has them ask',
    })
    .option('longest-minutes', {
      type: 'string',
      requiresArg: true,
      coerce: wholeNumber('--longest-minutes', 1, 2_880),
      describe: 'agents end then, whatever their command says',
      defaultDescription: '15, or what the plan may need',
    })
    .option('document', {
      type: 'string',
      requiresArg: true,
      describe: 'its name',
      defaultDescription: 'that of the inventory, else PortMatrix-Agent',
    })
    .option('inline', { type: 'boolean', default: false, describe: 'also the document that brings the agent along, for Linux hosts with Node.js' })
    .option('default', { type: 'boolean', default: false, describe: 'make it the default version, which runs wherever none is pinned' })
    .option('retire', {
      type: 'boolean',
      default: false,
      describe: 'with --default: delete all other versions of what is published, which could be sent as before otherwise',
    })
    .option('from', { type: 'string', requiresArg: true, describe: 'publish what agent build left in this folder', defaultDescription: 'build now' })
    .option('plan', { type: 'boolean', default: false, describe: 'say what would be done, and do nothing' })
    .example('$0 agent publish -i inventory.yaml --bucket corp-portmatrix --plan', 'what would be uploaded and published, and what it would allow')
    .example('$0 agent publish -i inventory.yaml --bucket corp-portmatrix', 'do it; prints the version and the hash to pin')
    .epilogue(
      'A package is found by its hash and never replaced, and a version of a document never changes: publishing the same again changes nothing.\n\n' +
        'Exit codes: 0 published; 1 something else is there in the place of what was published; 2 wrong usage, nothing was sent; 3 AWS refused, or could not be reached.',
    );
}

/** What the options came to. */
export interface PublishOptions {
  readonly bucket: string;
  readonly prefix: string;
  readonly packageUrl?: readonly string[] | undefined;
  readonly bucketAccount?: string | undefined;
  readonly inventory?: string | undefined;
  readonly matrix?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  readonly region?: readonly string[] | undefined;
  readonly account?: readonly string[] | undefined;
  readonly allowDestination?: readonly string[] | undefined;
  readonly allowPort?: readonly string[] | undefined;
  readonly longestMinutes?: number | undefined;
  readonly document?: string | undefined;
  readonly inline: boolean;
  readonly default: boolean;
  readonly retire: boolean;
  readonly from?: string | undefined;
  readonly plan: boolean;
}

/** What is to be published, settled before anything is asked of AWS. */
export interface Intent {
  readonly aws: Aws;
  readonly places: readonly AwsPlace[];
  readonly bucketPlace: AwsPlace;
  readonly policy: Policy;
  readonly document: string;
  /** Where packages may be fetched from, beside the bucket. */
  readonly urls: readonly string[];
  /** Destinations that the policy cannot hold. */
  readonly names: readonly string[];
}

/** Reads the inventory and plans, where there is one. Throws a `UsageError` for whatever could not be published. */
export function intentOf(options: PublishOptions, cwd: string): Intent {
  const wish = {
    destinations: list('--allow-destination', options.allowDestination),
    ports: list('--allow-port', options.allowPort),
    minutes: options.longestMinutes,
  };
  const named = { regions: list('--region', options.region), accounts: list('--account', options.account) };
  const matrices = publishedMatrices().map((name) => findMatrix(name, { cwd, asPublished: false }));
  if (options.inventory === undefined && (options.matrix ?? options.source) !== undefined)
    throw new UsageError('--matrix and --source choose from an inventory: expected -i FILE with them');
  const inventory = options.inventory === undefined ? undefined : readInventory(resolve(cwd, options.inventory));
  const sources = list('--source', options.source);
  const hosts = inventory?.hosts.filter(({ name }) => sources.length === 0 || sources.includes(name));
  const places = meantPlaces(hosts === undefined ? undefined : placesOf(hosts), named);
  const isSaid = wish.destinations.length > 0 && wish.ports.length > 0;
  const asked =
    options.inventory === undefined
      ? undefined
      : allowanceOf(planInScope({ ...options, inventory: options.inventory }, cwd).plan, (node) =>
          places.some((place) => nameOf(place) === nameOf(node)),
        );
  const document = options.document ?? inventory?.systemsManager?.document ?? documentName;
  if (!/^PortMatrix-[A-Za-z0-9_.-]{1,100}$/.test(document))
    throw new UsageError(
      `--document ${quote(document)} is not one of ours: expected a name that begins with PortMatrix-, since the publisher's policy holds for those`,
    );
  expectBucket(options.bucket);
  expectFolder(options.prefix);
  if (options.retire && !options.default)
    throw new UsageError('--retire deletes all versions but the one that is published, which must be the default then: expected --default with it');
  const urls = list('--package-url', options.packageUrl);
  const wrong = urls.find((url) => !urlBeginning.test(url));
  if (wrong !== undefined)
    throw new UsageError(
      `--package-url ${quote(wrong)} is not how an address begins: expected one like https://bucket.vpce-….s3.eu-central-1.vpce.amazonaws.com/${options.bucket}/, with its last slash`,
    );
  return {
    aws: openAws(inventory?.accounts, 5),
    places,
    bucketPlace: bucketPlaceOf(places, options.bucketAccount, inventory?.accounts ?? {}),
    policy: meantPolicy(wish, asked, matrices),
    document,
    urls,
    names: isSaid ? [] : (asked?.names ?? []),
  };
}

/** Where the bucket is asked about: in the account that is said, or in that of all places; its Region is found out. */
function bucketPlaceOf(places: readonly AwsPlace[], said: string | undefined, accounts: Readonly<Record<string, unknown>>): AwsPlace {
  const [first] = places;
  if (first === undefined) throw new Error('publish: nowhere');
  if (said !== undefined && !Object.hasOwn(accounts, said))
    throw new UsageError(
      `--bucket-account ${quote(said)} is not among the accounts of the inventory: expected ${Object.keys(accounts).join(', ') || 'none, as it has none'}`,
    );
  const account = said ?? (places.every((place) => place.account === first.account) ? first.account : undefined);
  return { region: first.region, ...(account !== undefined && { account }) };
}

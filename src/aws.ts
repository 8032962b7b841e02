/** AWS, as far as portmatrix talks to it: clients for a place, made when they are first needed. The only file that knows the SDK. */
import type { S3 } from '@aws-sdk/client-s3';
import type { SSM } from '@aws-sdk/client-ssm';
import type { Account } from './inventory.ts';

export type { S3 } from '@aws-sdk/client-s3';
export type { Command, InstanceInformation, InstanceInformationStringFilter, SendCommandCommandInput, SSM } from '@aws-sdk/client-ssm';

/** Where something is managed: a Region, in an account that is known by a name of the inventory's or is the one that the SDK finds. */
export interface AwsPlace {
  readonly region: string;
  readonly account?: string;
}

/** Clients, one for each place and service. They retry what is throttled, more and more slowly. */
export interface Aws {
  /** `once`: each call is made once, whatever comes of it: for what must not be done twice. */
  readonly ssm: (place: AwsPlace, manner?: 'once') => Promise<SSM>;
  readonly s3: (place: AwsPlace) => Promise<S3>;
  /** An address that reads one object without further rights, for so many seconds; made here, without asking anybody but for credentials. */
  readonly presign: (place: AwsPlace, bucket: string, key: string, seconds: number) => Promise<string>;
}

/**
 * Opens AWS with the ways into accounts that an inventory names. Sends nothing, and asks for credentials only when a client is used. A call that is throttled,
 * or has no way, is made up to `maxAttempts` times.
 */
export function openAws(accounts: Readonly<Record<string, Account>> = {}, maxAttempts = 10): Aws {
  // Throttling answers slow down the whole client.
  const patience = { retryMode: 'adaptive', maxAttempts } as const;
  // A way that swallows everything must not hold up the others.
  const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true } as const;
  const ssm = new Map<string, Promise<SSM>>();
  const ssmOnce = new Map<string, Promise<SSM>>();
  const s3 = new Map<string, Promise<S3>>();
  const credentialsFor = async ({ region, account }: AwsPlace) => {
    const { profile, role, externalId } = accounts[account ?? ''] ?? {};
    if (profile === undefined && role === undefined) return undefined;
    const { fromIni, fromNodeProviderChain, fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
    // A profile that is named is meant: where it has nothing, the credentials of this machine would be another account's.
    const masterCredentials = profile === undefined ? fromNodeProviderChain() : fromIni({ profile, clientConfig: { region } });
    if (role === undefined) return masterCredentials;
    const params = { RoleArn: role, RoleSessionName: 'portmatrix', ...(externalId !== undefined && { ExternalId: externalId }) };
    return fromTemporaryCredentials({ masterCredentials, params, clientConfig: { region } });
  };
  const once = <Client>(known: Map<string, Promise<Client>>, place: AwsPlace, make: () => Promise<Client>): Promise<Client> => {
    const key = nameOf(place);
    const client = known.get(key) ?? make();
    known.set(key, client);
    return client;
  };
  const aws: Aws = {
    ssm: (place, manner) =>
      once(manner === 'once' ? ssmOnce : ssm, place, async () => {
        const [{ SSM: Client }, credentials] = [await import('@aws-sdk/client-ssm'), await credentialsFor(place)];
        const tries = manner === 'once' ? { ...patience, maxAttempts: 1 } : patience;
        return new Client({ region: place.region, ...tries, requestHandler, ...(credentials !== undefined && { credentials }) });
      }),
    s3: (place) =>
      once(s3, place, async () => {
        const [{ S3: Client }, credentials] = [await import('@aws-sdk/client-s3'), await credentialsFor(place)];
        // A bucket's Region is found out by asking. Buckets of a stand-in have no names in DNS.
        return new Client({
          region: place.region,
          ...patience,
          followRegionRedirects: true,
          requestHandler: { connectionTimeout: requestHandler.connectionTimeout },
          forcePathStyle: isEmulated(),
          ...(credentials !== undefined && { credentials }),
        });
      }),
    presign: async (place, bucket, key, seconds) => {
      const [{ getSignedUrl }, { GetObjectCommand }] = [await import('@aws-sdk/s3-request-presigner'), await import('@aws-sdk/client-s3')];
      return getSignedUrl(await aws.s3(place), new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: seconds });
    },
  };
  return aws;
}

/** A place in one word, as a key and for people. */
export function nameOf({ region, account }: AwsPlace): string {
  return account === undefined ? region : `${account}/${region}`;
}

/** True when the environment sends Systems Manager's calls to a host that is not AWS's: what then comes back is not from managed nodes. */
export function isEmulated(environment: NodeJS.ProcessEnv = process.env): boolean {
  // An empty one counts as none, as it does for the SDK.
  const url = [environment['AWS_ENDPOINT_URL_SSM'], environment['AWS_ENDPOINT_URL']].find((value) => value !== undefined && value !== '');
  if (url === undefined || environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return false;
  const host = URL.parse(url)?.hostname ?? '';
  return !/(^|\.)(amazonaws\.com(\.cn)?|api\.aws|amazonwebservices\.com\.cn)$/.test(host);
}

/** What was said against a call: the name of the error, its words, and the HTTP status where there was an answer. */
export interface Refusal {
  readonly name: string;
  readonly message: string;
  readonly status?: number;
}

/** What AWS, or the way to it, said against a call. Anything else is a bug and thrown. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) throw error;
  const isFromAws = '$metadata' in error || '$fault' in error || /Credentials|Region|Token|Timeout|Networking|SSO|Profile/.test(error.name);
  if (!isFromAws && !('code' in error) && !/^(Region is missing|Could not load credentials)/.test(error.message)) throw error;
  const status = statusOf(error);
  return { name: error.name, message: wordsOf(error), ...(status !== undefined && { status }) };
}

/** Without what may hold secrets: a refused signature is told with all headers that were signed, the session token among them. */
function wordsOf({ name, message }: Error): string {
  const [words = ''] = message.split('\n', 1);
  if (words === '' || words === 'UnknownError') return name;
  // Node.js names the whole command, whose words may be secrets too.
  return words.startsWith('Command failed: ') ? 'the credential_process of the profile failed' : words;
}

function statusOf(error: Error): number | undefined {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** AWS, as far as portmatrix talks to it: clients for a place, made when they are first needed. The only file that knows the SDK. */
import type { S3 } from '@aws-sdk/client-s3';
import type { SSM } from '@aws-sdk/client-ssm';
import type { Account } from './inventory.ts';

export type { Command, InstanceInformation, InstanceInformationStringFilter, SendCommandCommandInput, SSM } from '@aws-sdk/client-ssm';

/** Where something is managed: a Region, in an account that is known by a name of the inventory's or is the one that the SDK finds. */
export interface AwsPlace {
  readonly region: string;
  readonly account?: string;
}

/** Clients, one for each place and service. They retry what is throttled, more and more slowly. */
export interface Aws {
  readonly ssm: (place: AwsPlace) => Promise<SSM>;
  readonly s3: (place: AwsPlace) => Promise<S3>;
}

/** What every client is made with; throttling answers slow down the whole client (retry mode "adaptive"). */
const patience = { retryMode: 'adaptive', maxAttempts: 10 } as const;

/** Opens AWS with the ways into accounts that an inventory names. Sends nothing, and asks for credentials only when a client is used. */
export function openAws(accounts: Readonly<Record<string, Account>> = {}): Aws {
  const ssm = new Map<string, Promise<SSM>>();
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
  return {
    ssm: (place) =>
      once(ssm, place, async () => {
        const [{ SSM: Client }, credentials] = [await import('@aws-sdk/client-ssm'), await credentialsFor(place)];
        return new Client({ region: place.region, ...patience, ...(credentials !== undefined && { credentials }) });
      }),
    s3: (place) =>
      once(s3, place, async () => {
        const [{ S3: Client }, credentials] = [await import('@aws-sdk/client-s3'), await credentialsFor(place)];
        // Buckets of a stand-in have no names in DNS.
        return new Client({ region: place.region, ...patience, forcePathStyle: isEmulated(), ...(credentials !== undefined && { credentials }) });
      }),
  };
}

/** A place in one word, as a key and for people. */
export function nameOf({ region, account }: AwsPlace): string {
  return account === undefined ? region : `${account}/${region}`;
}

/** True when the environment sends Systems Manager's calls to a host that is not AWS's: what then comes back is not from managed nodes. */
export function isEmulated(environment: NodeJS.ProcessEnv = process.env): boolean {
  const url = environment['AWS_ENDPOINT_URL_SSM'] ?? environment['AWS_ENDPOINT_URL'];
  if (url === undefined || url === '' || environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return false;
  const host = URL.parse(url)?.hostname ?? '';
  return !/(^|\.)(amazonaws\.com(\.cn)?|api\.aws|amazonwebservices\.com\.cn)$/.test(host);
}

/** What AWS, or the way to it, said against a call: the name of the error and its words. Anything else is a bug and thrown. */
export function refusalOf(error: unknown): { readonly name: string; readonly message: string } {
  if (!(error instanceof Error)) throw error;
  const isFromAws = '$metadata' in error || '$fault' in error || /Credentials|Region|Token|Timeout|Networking|SSO|Profile/.test(error.name);
  if (!isFromAws && !('code' in error) && !/^(Region is missing|Could not load credentials)/.test(error.message)) throw error;
  // What follows may hold secrets: a refused signature is told with all headers that were signed, the session token among them.
  const [message = ''] = error.message.split('\n', 1);
  if (message === '' || message === 'UnknownError') return { name: error.name, message: error.name };
  // Node.js names the whole command, whose words may be secrets too.
  return { name: error.name, message: message.startsWith('Command failed: ') ? 'the credential_process of the profile failed' : message };
}

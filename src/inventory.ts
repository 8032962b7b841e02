/** An inventory: which hosts there are, what they are to each other, and how their agents are reached. */
import { dirname, resolve } from 'node:path';
import { canonicalAddress } from './address.ts';
import { readAuthorities } from './authority.ts';
import { nameOf, wrong } from './complaint.ts';
import { conform, type Document, type Path, readDocument, type Schema } from './document.ts';
import { fillHost, type Host, nodeProblem, type WrittenDefaults, type WrittenHost } from './host.ts';
import { quote } from './quotation.ts';
import { UsageError } from './usage-error.ts';

export type { Host } from './host.ts';

/** Some of the hosts: by name, by site or by domain. */
export type Selector = { readonly host: string } | { readonly site: string } | { readonly domain: string };

/** Hosts that are meant to talk (or, under `except`, are not): `from` to `to`, and back unless `oneWay`. */
export interface Link {
  readonly from: Selector;
  readonly to: Selector;
  readonly oneWay: boolean;
  readonly reason?: string;
}

/** The way into an AWS account: a profile of the configuration files, then a role. */
export interface Account {
  readonly profile?: string;
  readonly role?: string;
  readonly externalId?: string;
}

/** What is sent to managed nodes, and where their words go beside. */
export interface SystemsManager {
  readonly document: string;
  /** Absent: the default version at the time of the run. */
  readonly version?: string;
  readonly output?: { readonly bucket: string; readonly prefix?: string };
  readonly deliverySeconds: number;
  /** How a node that lacks the agent reads its package: by its own role, or by an address that the operator signs. */
  readonly fetch: 'role' | 'presigned';
}

export interface Inventory {
  readonly file: string;
  readonly domain?: string;
  /** GUID of the domain, lower case, that answers are compared with. */
  readonly domainGuid?: string;
  /** PEM text of the CA bundle that certificates are judged by. */
  readonly authorities?: string;
  readonly hosts: readonly Host[];
  /** Ways into AWS accounts, by the names that hosts give them; an account that is not here is entered by the credentials that the SDK finds. */
  readonly accounts?: Readonly<Record<string, Account>>;
  readonly systemsManager?: SystemsManager;
  /** True for an inventory that somebody wrote: DNS may be held against its DCs. One that was located holds only some of them. */
  readonly namesEveryDc?: true;
  /** Empty: everybody is meant to talk to everybody. */
  readonly links: readonly Link[];
  readonly except: readonly Link[];
}

interface WrittenInventory {
  readonly domain?: string;
  readonly domainGuid?: string;
  readonly authorities?: string;
  readonly accounts?: Readonly<Record<string, Account>>;
  readonly systemsManager?: {
    readonly document?: string;
    readonly version?: string;
    readonly output?: string;
    readonly deliveryMinutes?: number;
    readonly fetch?: SystemsManager['fetch'];
  };
  readonly defaults?: WrittenDefaults;
  readonly hosts: readonly WrittenHost[];
  readonly links?: readonly WrittenLink[];
  readonly except?: readonly WrittenLink[];
}

type WrittenLink = Omit<Link, 'oneWay'> & { readonly oneWay?: boolean };

const schema: Schema<WrittenInventory> = { name: 'matrices/inventory.schema.json' };

/** Reads an inventory file; the first mistake in it is a UsageError. */
export function readInventory(file: string): Inventory {
  const document = readDocument(file);
  const written = conform(document, schema);
  const domain = written.domain?.toLowerCase();
  refuseHalfNodes(document, written);
  const hosts = written.hosts.map((host) => fillHost(host, written.defaults ?? {}, domain));
  refuseTwins(document, hosts);
  const idle = hosts.findIndex(({ roles }) => roles.length === 0);
  if (idle !== -1) {
    const path = ['hosts', idle];
    throw new UsageError(
      `${nameOf(path)} has no roles, expected a list of them here or under defaults, like [dc] or [client]`,
      document.placeOf(path),
    );
  }
  return {
    file,
    ...(domain !== undefined && { domain }),
    ...(written.domainGuid !== undefined && { domainGuid: written.domainGuid.toLowerCase() }),
    ...(written.authorities !== undefined && { authorities: authoritiesOf(document, written.authorities) }),
    hosts,
    ...(written.accounts !== undefined && { accounts: written.accounts }),
    systemsManager: fillSystemsManager(written.systemsManager ?? {}),
    namesEveryDc: true,
    links: settleLinks(document, 'links', written.links ?? [], hosts),
    except: settleLinks(document, 'except', written.except ?? [], hosts),
  };
}

/** A managed node has an id or a tag, and a Region; the schema cannot say so, since the Region may stand on the host. */
function refuseHalfNodes(document: Document, { defaults = {}, hosts, accounts }: WrittenInventory): void {
  for (const [index, host] of hosts.entries()) {
    const isOwn = host.connector !== undefined;
    const connector = host.connector ?? defaults.connector;
    if (typeof connector !== 'object' || connector.ssm === undefined) continue;
    const problem = nodeProblem(connector.ssm, { ...defaults, ...host });
    const path = isOwn ? ['hosts', index, 'connector', 'ssm'] : ['defaults', 'connector', 'ssm'];
    if (problem !== undefined) throw new UsageError(`${nameOf(path)} is ${document.show(path)}, ${problem}`, document.placeOf(path));
    // Where some accounts have a way in, one without would be entered by whatever credentials there are, and its tags may mean another account's nodes.
    const account = connector.ssm.account ?? host.account ?? defaults.account;
    if (accounts !== undefined && account !== undefined && accounts[account] === undefined) {
      const known = Object.keys(accounts).join(', ');
      throw new UsageError(`the account ${quote(account)} of ${host.name} is not among accounts, expected one of ${known}`, document.placeOf(path));
    }
  }
}

function fillSystemsManager(written: NonNullable<WrittenInventory['systemsManager']>): SystemsManager {
  const { document = 'PortMatrix-Agent', version, output, deliveryMinutes = 10, fetch = 'role' } = written;
  const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.*?)\/*)?$/.exec(output ?? '') ?? [];
  return {
    document,
    ...(version !== undefined && { version }),
    ...(bucket !== undefined && { output: { bucket, ...(prefix !== undefined && prefix !== '' && { prefix }) } }),
    deliverySeconds: deliveryMinutes * 60,
    fetch,
  };
}

function refuseTwins(document: Document, hosts: readonly Host[]): void {
  const names = new Map<string, number>();
  const addresses = new Map<string, number>();
  for (const [index, { name, address }] of hosts.entries()) {
    // Whatever the case: AD names have none, and reports become files.
    const namesake = names.get(name.toLowerCase());
    if (namesake !== undefined) throw wrong(document, ['hosts', index, 'name'], `a name of its own: hosts[${namesake}].name is the same`);
    names.set(name.toLowerCase(), index);
    const canonical = canonicalAddress(address);
    const twin = addresses.get(canonical);
    if (twin !== undefined) {
      throw wrong(
        document,
        ['hosts', index, 'address'],
        `an address of its own: ${hosts[twin]?.name} and ${name} cannot be two hosts at one address`,
      );
    }
    addresses.set(canonical, index);
  }
}

function settleLinks(document: Document, list: 'links' | 'except', links: readonly WrittenLink[], hosts: readonly Host[]): readonly Link[] {
  return links.map((link, index) => ({
    from: settle(document, link.from, [list, index, 'from'], hosts),
    to: settle(document, link.to, [list, index, 'to'], hosts),
    oneWay: link.oneWay ?? false,
    ...(link.reason !== undefined && { reason: link.reason }),
  }));
}

/** The selector with its domain in lower case, if it selects any host. */
function settle(document: Document, selector: Selector, path: Path, hosts: readonly Host[]): Selector {
  if ('host' in selector) {
    refuseStranger(document, [...path, 'host'], selector.host, hosts, ({ name }) => name);
    return selector;
  }
  if ('site' in selector) {
    refuseStranger(document, [...path, 'site'], selector.site, hosts, ({ site }) => site);
    return selector;
  }
  const domain = selector.domain.toLowerCase();
  refuseStranger(document, [...path, 'domain'], domain, hosts, (host) => host.domain);
  return { domain };
}

function refuseStranger(document: Document, path: Path, wanted: string, hosts: readonly Host[], trait: (host: Host) => string | undefined): void {
  const known = [...new Set(hosts.map(trait).filter((value) => value !== undefined))];
  if (!known.includes(wanted)) throw wrong(document, path, `the ${path.at(-1) === 'host' ? 'name' : path.at(-1)} of a host of this inventory`, known);
}

function authoritiesOf(document: Document, authorities: string): string {
  const found = readAuthorities(resolve(dirname(document.file), authorities));
  if ('pem' in found) return found.pem;
  const path = ['authorities'];
  throw new UsageError(
    `authorities is ${document.show(path)}, which ${found.problem}, expected a file with CA certificates in PEM`,
    document.placeOf(path),
  );
}

/** Hosts: machines at one address, with what they are and how their agents are reached. */
import type { Platform, RpcInterface } from '../agent/contract/probe.ts';

/** A managed node of AWS Systems Manager, by its id or by a tag that it alone has. `account`: a name in the inventory's `accounts`, or any. */
export interface ManagedNode {
  readonly wanted: { readonly instance: string } | { readonly tag: readonly [key: string, value: string] };
  readonly region: string;
  readonly account?: string;
}

/** How the agent reaches a host: on this machine, through a command prefix or Systems Manager, or not at all (a destination without a vantage). */
export type Connector =
  | { readonly kind: 'local' }
  | { readonly kind: 'exec'; readonly prefix: readonly string[] }
  | { readonly kind: 'ssm'; readonly node: ManagedNode }
  | { readonly kind: 'none' };

/** A managed node as a file writes it. */
export interface WrittenNode {
  readonly instance?: string;
  readonly tag?: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly account?: string;
}

/** A host with every default filled in. */
export interface Host {
  readonly name: string;
  /** IPv4 or IPv6 literal. One host is one address: a dual-stack machine is two hosts with one `dnsName`. */
  readonly address: string;
  /** The computer's own DNS name, lower case, that its answers are compared with. Default: `name` in the domain. */
  readonly dnsName: string;
  readonly roles: readonly string[];
  readonly site?: string;
  readonly region?: string;
  readonly az?: string;
  readonly account?: string;
  /** AD domain of the host, lower case. */
  readonly domain?: string;
  /** True when the host is known to have a machine account in its domain: it is a DC, or names its own `domain`. */
  readonly joined: boolean;
  readonly readOnly: boolean;
  /** What the host offers; rules with `when` apply only where their features are here. Undefined: nobody said, and every rule applies. */
  readonly features?: readonly string[];
  readonly os?: Platform;
  /** Node.js on that host. Default `node`. */
  readonly node: string;
  readonly rpc: Readonly<Partial<Record<RpcInterface, number>>>;
  /** What this host stands for, in words (a subnet of many clients). */
  readonly standsFor?: string;
  readonly connector: Connector;
}

/** The fields that an inventory's `defaults` may give to every host. */
export interface WrittenDefaults {
  readonly roles?: readonly string[];
  readonly site?: string;
  readonly region?: string;
  readonly az?: string;
  readonly account?: string;
  readonly domain?: string;
  readonly readOnly?: boolean;
  readonly features?: readonly string[];
  readonly os?: Platform;
  readonly node?: string;
  readonly rpc?: Readonly<Partial<Record<RpcInterface, number>>>;
  readonly standsFor?: string;
  /** One of `exec` and `ssm`. */
  readonly connector?: 'local' | 'none' | { readonly exec?: readonly string[]; readonly ssm?: WrittenNode };
}

/** A host as `inventory.schema.json` lets a file write it. */
export interface WrittenHost extends WrittenDefaults {
  readonly name: string;
  readonly address: string;
  readonly dnsName?: string;
}

/** Fills in a host's defaults: the inventory's first, then those of the format. A managed node that `nodeProblem` has something to say of is a bug here. */
export function fillHost(written: WrittenHost, defaults: WrittenDefaults, inventoryDomain: string | undefined): Host {
  const { dnsName, connector, features, ...fields } = { ...defaults, ...written };
  const domain = (fields.domain ?? inventoryDomain)?.toLowerCase();
  const roles = fields.roles ?? [];
  const isDc = roles.includes('dc');
  const known = features ?? (isDc ? ['dns', 'gc', 'ldaps'] : undefined);
  return {
    ...fields,
    dnsName: (dnsName ?? nameInDomain(written.name, domain)).toLowerCase(),
    roles,
    ...(domain !== undefined && { domain }),
    joined: isDc || written.domain !== undefined,
    readOnly: fields.readOnly ?? false,
    ...(known !== undefined && { features: known }),
    node: fields.node ?? 'node',
    rpc: fields.rpc ?? {},
    connector: fillConnector(connector ?? 'none', fields),
  };
}

function nameInDomain(name: string, domain: string | undefined): string {
  return name.includes('.') || domain === undefined ? name : `${name}.${domain}`;
}

/** What keeps a written node from being one: neither or both of id and tag, or no Region. Undefined when nothing does. */
export function nodeProblem({ instance, tag, region }: WrittenNode, host: { readonly region?: string }): string | undefined {
  if ((instance === undefined) === (tag === undefined)) return 'expected exactly one of instance and tag, like {instance: i-0123456789abcdef0}';
  if ((region ?? host.region) === undefined) return 'expected a region here or on the host, like region: eu-central-1';
  return undefined;
}

function fillConnector(written: NonNullable<WrittenDefaults['connector']>, host: WrittenDefaults): Connector {
  if (typeof written === 'string') return { kind: written };
  const { exec, ssm } = written;
  if (ssm === undefined) return { kind: 'exec', prefix: exec ?? [] };
  const { instance, tag, region = host.region ?? '', account = host.account } = ssm;
  const [[key, value] = ['', '']] = Object.entries(tag ?? {});
  return {
    kind: 'ssm',
    node: { wanted: instance === undefined ? { tag: [key, value] } : { instance }, region, ...(account !== undefined && { account }) },
  };
}

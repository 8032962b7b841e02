/** Hosts: machines at one address, with what they are and how their agents are reached. */
import type { Platform, RpcInterface } from '../agent/contract/probe.ts';

/** How the agent reaches a host: on this machine, through a command prefix, or not at all (a destination without a vantage). */
export type Connector = { readonly kind: 'local' } | { readonly kind: 'exec'; readonly prefix: readonly string[] } | { readonly kind: 'none' };

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
  readonly connector?: 'local' | 'none' | { readonly exec: readonly string[] };
}

/** A host as `inventory.schema.json` lets a file write it. */
export interface WrittenHost extends WrittenDefaults {
  readonly name: string;
  readonly address: string;
  readonly dnsName?: string;
}

/** Fills in a host's defaults: the inventory's first, then those of the format. */
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
    connector: fillConnector(connector ?? 'none'),
  };
}

function nameInDomain(name: string, domain: string | undefined): string {
  return name.includes('.') || domain === undefined ? name : `${name}.${domain}`;
}

function fillConnector(written: NonNullable<WrittenDefaults['connector']>): Connector {
  return typeof written === 'string' ? { kind: written } : { kind: 'exec', prefix: written.exec };
}

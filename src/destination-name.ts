/** Destinations that are known by name: names in which fields of the source stand, as in `ssm.{region}.amazonaws.com`. Nothing else is templated. */
import { wrong } from './complaint.ts';
import type { Document, Path } from './document.ts';
import type { Host } from './host.ts';
import type { Inventory } from './inventory.ts';
import type { Matrix } from './matrix.ts';
import { quote } from './quotation.ts';
import { UsageError } from './usage-error.ts';

/** Fields of a source that a name may hold in braces. */
const fields = ['region', 'site', 'account', 'az', 'domain'] as const;
export type NameField = (typeof fields)[number];

const braces = /\{([^{}]*)\}/g;
const dnsName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/i;
/** What the system would take for an address: no name, whatever else it is. */
const numeric = /(^|\.)(\d+|0x[\da-f]*)$/i;

/** Throws when the text at `path` can never be a name, as a UsageError there. */
export function refuseBadName(document: Document, path: Path, text: string): void {
  for (const [, field = ''] of text.matchAll(braces)) {
    if (fields.some((known) => known === field)) continue;
    throw wrong(document, path, `in braces only a field of the source: ${fields.map((known) => `{${known}}`).join(', ')}`);
  }
  if (!isName(text.replaceAll(braces, 'x'))) throw wrong(document, path, 'a DNS name, like ssm.{region}.amazonaws.com');
}

/** The name that a source asks for, in lower case; or the field that it would need. A field that makes no DNS name of it is a UsageError. */
function nameFor(text: string, source: Host, inventoryFile: string): { readonly name: string } | { readonly missing: NameField } {
  const missing = fields.find((field) => text.includes(`{${field}}`) && source[field] === undefined);
  if (missing !== undefined) return { missing };
  const name = fields.reduce((filled, field) => filled.replaceAll(`{${field}}`, () => source[field] ?? ''), text).toLowerCase();
  if (isName(name)) return { name };
  throw new UsageError(
    `${inventoryFile}: the fields of ${source.name} make ${JSON.stringify(name)} of ${JSON.stringify(text)}: expected a DNS name, so fields like region: eu-central-1`,
  );
}

/** The destinations that rules name: the hosts that stand for them, behind those of the inventory. */
interface NamedDestinations {
  readonly hosts: readonly Host[];
  /** Index of the host that a source means by the name of a rule. */
  readonly indexOf: (name: string, source: Host) => number;
  /** Names that some sources could not fill in, by index: they stand as the rule has them, and are not asked. */
  readonly missing: ReadonlyMap<number, NameField>;
}

/** Finds the destinations that the rules of the matrices name. A host of the inventory that has such a name is a UsageError. */
export function nameDestinations(matrices: readonly Matrix[], { file, hosts }: Inventory): NamedDestinations {
  const indices = new Map<string, number>();
  const missing = new Map<number, NameField>();
  const resolved = (template: string, source: Host): string => {
    const filled = nameFor(template, source, file);
    return 'name' in filled ? filled.name : template;
  };
  for (const { from, rules } of matrices) {
    for (const { to } of rules) {
      if (to === undefined) continue;
      for (const source of hosts.filter(({ roles }) => from.some((role) => roles.includes(role)))) {
        const filled = nameFor(to.name, source, file);
        const name = 'name' in filled ? filled.name : to.name;
        if (hosts.some((host) => host.name.toLowerCase() === name))
          throw new UsageError(
            `${file}: a host is named ${quote(name)}, which a rule asks by that name: expected another name of the host, or a rule that asks its role`,
          );
        const index = indices.get(name) ?? hosts.length + indices.size;
        indices.set(name, index);
        if ('missing' in filled) missing.set(index, filled.missing);
      }
    }
  }
  return {
    hosts: Array.from(indices.keys(), hostOfName),
    indexOf: (template, source) => indices.get(resolved(template, source)) ?? -1,
    missing,
  };
}

/** A destination of which only the name is known: its address is the name, which sources resolve. */
function hostOfName(name: string): Host {
  return { name, address: name, dnsName: name, roles: [], joined: false, readOnly: false, node: 'node', rpc: {}, connector: { kind: 'none' } };
}

function isName(text: string): boolean {
  return dnsName.test(text) && !numeric.test(text);
}

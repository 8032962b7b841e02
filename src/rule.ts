/** Rules: from the fields that a matrix file has to rules with every default filled in. */
import type { ProbeName, RpcInterface, Size } from '../agent/contract/probe.ts';
import { wrong } from './complaint.ts';
import type { Document, Path } from './document.ts';
import { parsePortRange, type PortRange } from './port-range.ts';
import type { Expectation, Requirement } from './verdict.ts';

/** What `assess` compares facts with. */
export interface Limits {
  /** Skew at which a rule warns, and at which it fails, in milliseconds. Defaults 60,000 and 300,000. */
  readonly clockSkewWarnMs: number;
  readonly clockSkewMs: number;
  /** Days of validity left at which a certificate is worth a warning. Default 14. */
  readonly certificateDays: number;
  /** Smallest acceptable RSA key, in bits. Default 2048. */
  readonly rsaBits: number;
}

/** A rule with every default filled in. */
export interface Rule {
  readonly id: string;
  /** Row of the published table, counted from 1. */
  readonly row?: number;
  /** The destination by name, with fields of the source in braces; absent: the hosts of the matrix's role. */
  readonly to?: { readonly name: string };
  readonly ports: readonly PortRange[];
  readonly probe: ProbeName;
  readonly direction: 'forward' | 'both';
  readonly requirement: Requirement;
  /** Requirement of the reverse direction of a rule for both; the same as `requirement` unless the rule says otherwise. */
  readonly reverseRequirement: Requirement;
  /** Features that the destination must all have for the rule to apply; empty: it always applies. */
  readonly when: readonly string[];
  readonly expect: Expectation;
  readonly limits: Limits;
  /** Rules of this matrix whose answers this one uses. Each makes exactly one check per pair. */
  readonly after: readonly string[];
  readonly interfaces: readonly RpcInterface[];
  /** What is made large, to see what the path carries; absent: the question is asked as it is. */
  readonly size?: Size;
  /** How many ports of a UDP range are asked. */
  readonly sample: number;
  readonly traffic: string;
  readonly usage: readonly string[];
  /** What cannot work while this rule fails. */
  readonly purposes: readonly string[];
  readonly symptoms: readonly string[];
  /** Where the row is published. */
  readonly source: string;
  /** Why the rule differs from the published row, where it does. */
  readonly note?: string;
}

/** The fields of a row that a correction may change, as a file writes them. */
export interface PublishedFields {
  readonly ports?: readonly string[];
  readonly probe?: ProbeName;
  readonly direction?: 'forward' | 'both';
  readonly requirement?: Requirement;
  readonly reverseRequirement?: Requirement;
  readonly when?: string | readonly string[] | null;
  readonly interfaces?: readonly RpcInterface[] | null;
  readonly after?: readonly string[] | null;
  readonly note?: string;
}

/** A rule as `matrix.schema.json` lets a file write it. */
export interface WrittenRule extends PublishedFields {
  readonly id: string;
  readonly row?: number;
  readonly to?: { readonly name: string };
  readonly ports: readonly string[];
  readonly probe: ProbeName;
  readonly expect?: Expectation;
  readonly limits?: Partial<Limits>;
  readonly size?: number;
  readonly replySize?: number;
  readonly sample?: number;
  readonly traffic?: string;
  readonly usage?: readonly string[];
  readonly purposes?: readonly string[];
  readonly symptoms?: readonly string[];
  readonly source?: string;
  /** Null: the published table has no such row. */
  readonly published?: PublishedFields | null;
}

/** A rule with the place of its fields in the file it comes from, for those who find something wrong with it. */
export interface PlacedRule {
  readonly rule: Rule;
  readonly written: WrittenRule;
  readonly pathOf: (field: keyof WrittenRule, index?: number) => Path;
}

/** What holds where a rule names no limit. */
export const defaultLimits: Limits = { clockSkewWarnMs: 60_000, clockSkewMs: 300_000, certificateDays: 14, rsaBits: 2048 };

/** Fills in the defaults of the rule at `rules[index]`; `asPublished` puts the published fields in the place of the corrected ones. */
export function fillRule(document: Document, written: WrittenRule, index: number, asPublished: boolean, source: string): PlacedRule {
  const published: PublishedFields = asPublished ? (written.published ?? {}) : {};
  const fields = { ...written, ...published };
  const pathOf: PlacedRule['pathOf'] = (field, item) => {
    const rule = ['rules', index, ...(Object.hasOwn(published, field) ? ['published'] : []), field];
    return item === undefined ? rule : [...rule, item];
  };
  const requirement = fields.requirement ?? 'required';
  const size = sizeOf(written);
  const note = asPublished ? written.note : (written.published?.note ?? written.note);
  const rule: Rule = {
    id: written.id,
    ...(written.row !== undefined && { row: written.row }),
    ...(written.to !== undefined && { to: { name: written.to.name } }),
    ports: fields.ports.map((text, item) => {
      const range = parsePortRange(text);
      if ('expected' in range) throw wrong(document, pathOf('ports', item), range.expected);
      return range;
    }),
    probe: fields.probe,
    direction: fields.direction ?? 'forward',
    requirement,
    reverseRequirement: fields.reverseRequirement ?? requirement,
    when: typeof fields.when === 'string' ? [fields.when] : (fields.when ?? []),
    expect: written.expect ?? ['open'],
    limits: { ...defaultLimits, ...written.limits },
    after: fields.after ?? [],
    interfaces: fields.interfaces ?? [],
    ...(size !== undefined && { size }),
    sample: written.sample ?? 1,
    traffic: written.traffic ?? written.id,
    usage: written.usage ?? [],
    purposes: written.purposes ?? [],
    symptoms: written.symptoms ?? [],
    source: written.source ?? source,
    ...(note !== undefined && { note }),
  };
  return { rule, written, pathOf };
}

function sizeOf({ size, replySize }: WrittenRule): Size | undefined {
  if (size !== undefined) return { of: 'request', bytes: size };
  return replySize === undefined ? undefined : { of: 'reply', bytes: replySize };
}

/** What a rule of assessment is given, and what it may find. */
import type { Facts } from '../../agent/contract/fact.ts';
import type { ProbeName, Size } from '../../agent/contract/probe.ts';
import type { Limits } from '../matrix.ts';
import type { Finding } from '../verdict.ts';

/** Who should answer: the destination as the inventory has it. */
export interface ExpectedIdentity {
  /** AD domain; undefined: not known, and not compared. */
  readonly domain?: string | undefined;
  /** The computer's own DNS name; without a dot only first labels are compared. */
  readonly dnsName: string;
  readonly domainGuid?: string | undefined;
  /** A read-only DC, which registers fewer names. */
  readonly readOnly: boolean;
  /** AD sites of the DC, and of the source that asks; undefined: not known, and not compared. */
  readonly site?: string | undefined;
  readonly clientSite?: string | undefined;
  /** The site whose own DNS records were asked for, where any were. */
  readonly askedSite?: string | undefined;
  /** Every address of this computer. */
  readonly addresses?: readonly string[] | undefined;
  /** Every DC of the domain; undefined: not all are known, and they are not compared. */
  readonly dcs?: readonly { readonly dnsName: string; readonly readOnly: boolean; readonly site?: string | undefined }[] | undefined;
}

/** An identified service's answer, and what to hold it against. */
export interface Answer {
  readonly probe: ProbeName;
  /** The port that was dialled in the end. */
  readonly port: number;
  /** The range that the rule opens, as it writes it, where the port was learned from the endpoint mapper. */
  readonly range?: string | undefined;
  /** What the check made large, where it did. */
  readonly size?: Size | undefined;
  readonly facts: Facts;
  readonly limits: Limits;
  readonly expected: ExpectedIdentity;
  /** When it was observed: UTC in ISO 8601. */
  readonly at: string;
  /** The DCs that the same server lists over UDP; undefined: it does not, or this is that answer. */
  readonly listedOverUdp?: readonly string[] | undefined;
  /** Addresses that this source could not reach at all. */
  readonly unreachable?: readonly string[] | undefined;
  /** True when TCP 389 of the destination itself did not open for this source. */
  readonly directoryShut?: boolean | undefined;
}

/** A finding about an answer. `fail`: clients are not served by it; `warn`: they are, and somebody should look. */
export interface Assessed {
  readonly finding: Finding;
  readonly severity: 'fail' | 'warn';
}

/** One rule finds one thing, or nothing. */
export type Rule = (answer: Answer) => Assessed | undefined;

/** A finding by which clients are not served. */
export function fail(finding: Finding): Assessed {
  return { finding, severity: 'fail' };
}

/** A finding that somebody should look at. */
export function warn(finding: Finding): Assessed {
  return { finding, severity: 'warn' };
}

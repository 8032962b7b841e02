/** What a preflight concludes, as codes with arguments. Words for them live in `reporters/preflight-wording.ts`. */
import type { FindingCode } from '../verdict.ts';

/** What a host is about to do with a domain. */
export const domainPurposes = ['join-windows', 'join-linux', 'trust', 'promote', 'ad-connector'] as const;
export type DomainPurpose = (typeof domainPurposes)[number];

/** What a host is about to do. `ssm`: to be managed by AWS Systems Manager. */
export const purposes = [...domainPurposes, 'ssm'] as const;
export type Purpose = (typeof purposes)[number];

/** The steps of a join, in the order in which it takes them; `clock`, `rpc-reset` and `other` are ways to fail rather than steps. */
export const steps = [
  'dns',
  'srv',
  'address',
  'locator',
  'ldap',
  'smb',
  'kerberos',
  'clock',
  'endpoint-mapper',
  'rpc-reset',
  'rpc',
  'kpasswd',
  'other',
] as const;
export type Step = (typeof steps)[number];

/** Where a request to an endpoint may end, in the order in which it goes. */
export const endpointSteps = [
  'name',
  'name-silence',
  'proxy',
  'proxy-refused',
  'connect',
  'connect-refused',
  'unreachable',
  'tls',
  'authority',
  'certificate-name',
  'certificate-time',
] as const;
export type EndpointStep = (typeof endpointSteps)[number];

/** What a real join would likely say: `code` is a Windows error in hex, or the name of the tool whose message it is. */
export interface Prediction {
  readonly step: Step | EndpointStep;
  readonly code: string;
}

/** A deciding check that did not pass. */
export interface Obstacle {
  readonly step: Step;
  readonly rule: string;
  /** As in `389/tcp`. */
  readonly port: string;
  readonly interface?: string;
  readonly finding: FindingCode;
}

/** Something that decides nothing and that a member of the domain will miss: by rule, with the hosts where it was seen. */
export interface Warning {
  readonly rule: string;
  readonly port: string;
  readonly finding: FindingCode;
  readonly hosts: readonly string[];
}

/** How one address of a DC did: ready when all that decides passed. */
export interface DcConclusion {
  /** The name that its checks have. */
  readonly host: string;
  readonly name: string;
  readonly address: string;
  readonly site?: string;
  /** True for a read-only DC: it does not count, since nobody joins or is promoted through one. */
  readonly readOnly: boolean;
  readonly state: 'ready' | 'not-ready' | 'undecided';
  /** Deciding checks that failed, and those that stayed open, in the order of a join. */
  readonly failed: readonly Obstacle[];
  readonly undecided: readonly Obstacle[];
  /** Clock of the DC minus this host's in milliseconds, by protocol: two that disagree are two hosts behind one address. */
  readonly clocks: Readonly<Partial<Record<'kerberos' | 'smb' | 'ntp', number>>>;
}

/** A DC that was only pinged: elsewhere, or one too many. */
export interface FarDc {
  readonly name: string;
  readonly address: string;
  readonly site?: string;
  readonly answered: boolean;
}

/** One resolver of this host, in its order. `silent`, `refused` and `not-asked` gave no answer at all. */
export interface ResolverConclusion {
  readonly address: string;
  readonly state: 'answered' | 'silent' | 'refused' | 'not-asked';
  readonly rcode?: string;
  /** How many DCs it names. */
  readonly dcs: number;
}

/** Something about finding the DCs that a person should know, and that keeps a GO from being a plain one. */
export type LocatorFinding =
  | { readonly code: 'no-resolver' }
  | { readonly code: 'resolver-silent' | 'resolver-refused'; readonly resolver: string }
  | { readonly code: 'resolver-not-asked'; readonly resolver: string; readonly message: string }
  /** `domain`, here and below: the one that was asked for, where it is not the preflight's own. */
  | { readonly code: 'no-srv'; readonly resolver: string; readonly rcode: string; readonly domain?: string }
  | {
      readonly code: 'resolvers-disagree';
      readonly resolver: string;
      readonly other: string;
      readonly only: readonly string[];
      readonly missing: readonly string[];
    }
  | { readonly code: 'no-address'; readonly names: readonly string[] }
  | { readonly code: 'no-site' }
  | { readonly code: 'site-uncovered'; readonly site: string }
  | { readonly code: 'no-ping'; readonly domain?: string }
  | { readonly code: 'left-out'; readonly names: number }
  | { readonly code: 'address-not-ready'; readonly name: string; readonly address: string }
  | { readonly code: 'clocks-disagree'; readonly dc: string; readonly spreadMs: number }
  /** Nobody says which DC is the domain's PDC emulator. */
  | { readonly code: 'no-pdc'; readonly domain: string }
  /** This host is not the PDC emulator, from which a trust is made. */
  | { readonly code: 'not-the-pdc'; readonly pdc: string }
  /** A name server of the trusted domain does not find this one, or does not tell. */
  | { readonly code: 'no-way-back'; readonly resolver: string; readonly rcode: string; readonly domain: string }
  | { readonly code: 'way-back-untold'; readonly resolver: string; readonly domain: string };

/** The other side of a trust. */
export interface TrustedDomain {
  readonly domain: string;
  /** What this host's resolvers make of it: the forwarding there. */
  readonly resolvers: readonly ResolverConclusion[];
  /** What the name servers on its PDC emulator make of this domain: the forwarding back. */
  readonly wayBack: readonly ResolverConclusion[];
}

/** One endpoint of Systems Manager. */
export interface EndpointConclusion {
  readonly name: string;
  readonly rule: string;
  readonly isRequired: boolean;
  readonly state: 'ready' | 'not-ready' | 'undecided';
  /** What is wrong with it, or, where it is ready, worth a look. */
  readonly finding?: FindingCode;
}

/** The endpoints of a Region. `proxies`: those that this host's environment sends requests through; `isDirect`: some are sent without one. */
export interface Endpoints {
  readonly region: string;
  readonly proxies: readonly string[];
  readonly isDirect: boolean;
  readonly list: readonly EndpointConclusion[];
}

/** Checks that were not made because a step before them failed. With `perDc`, for each DC: none was found, so none could be counted. */
export interface Skipped {
  readonly because: string;
  readonly checks: number;
  readonly perDc?: true;
}

/** The conclusion of a preflight. */
export interface Conclusion {
  readonly purpose: Purpose;
  /** AD domain; absent where the purpose has none. */
  readonly domain?: string;
  readonly decision: 'go' | 'go-with-warnings' | 'no-go' | 'undecided';
  /** DCs from which nobody asked back to this host: a promotion and a trust need that too, so their GO is half of one. */
  readonly inboundUntested?: number;
  /** Why nobody could look, where that is so. */
  readonly lost?: string;
  /** AD site of this host; empty: its subnet is missing in AD; absent: no DC said. */
  readonly clientSite?: string;
  readonly resolvers: readonly ResolverConclusion[];
  readonly trusted?: TrustedDomain;
  readonly endpoints?: Endpoints;
  readonly dcs: readonly DcConclusion[];
  readonly far: readonly FarDc[];
  readonly findings: readonly LocatorFinding[];
  readonly warnings: readonly Warning[];
  readonly predictions: readonly Prediction[];
  readonly skipped: readonly Skipped[];
}

/** The exit code of a conclusion: a GO is 0, NO-GO 1, and 3 what is undecided or only half looked at. */
export function exitCodeOf({ decision, inboundUntested }: Pick<Conclusion, 'decision' | 'inboundUntested'>): 0 | 1 | 3 {
  if (decision === 'no-go') return 1;
  return decision === 'undecided' || inboundUntested !== undefined ? 3 : 0;
}

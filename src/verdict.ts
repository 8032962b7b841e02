/** The controller's conclusions, as codes with arguments. Words for them live in `reporters/wording.ts`. */
import type { Reason, ServiceStatus, State } from '../agent/contract/outcome.ts';

export const verdictStatuses = ['pass', 'fail', 'warn', 'inconclusive', 'error', 'skip'] as const;
export type VerdictStatus = (typeof verdictStatuses)[number];

/** What a rule wants to see. `blocked` stands for any way of not getting through, including a middlebox that accepts and then hangs up. */
export type Expectation = readonly (State | 'blocked')[];

export type Requirement = 'required' | 'optional' | 'legacy';

/** Why a verdict is not a plain pass: a code with what its sentence needs. */
export type Finding =
  | { readonly code: 'refused' | 'no-answer' | 'rejected'; readonly reason: Reason }
  | { readonly code: 'wrong-service'; readonly looksLike?: string }
  | { readonly code: 'service-silent'; readonly status: ServiceStatus }
  | { readonly code: 'service-absent'; readonly interface?: string }
  | { readonly code: 'wrong-host'; readonly what: 'domain' | 'name' | 'guid'; readonly expected: string; readonly actual: string }
  | { readonly code: 'reply-lost' | 'no-control' | 'forbidden-open' | 'uninformative' }
  /** `interface`: the endpoint mapper names no port for it today, so that none was dialled. */
  | { readonly code: 'reached-host'; readonly interface?: string }
  | { readonly code: 'unproven'; readonly status: ServiceStatus }
  | { readonly code: 'clock-skew'; readonly offsetMs: number; readonly limitMs: number }
  | { readonly code: 'certificate-expired'; readonly notAfter: string }
  | { readonly code: 'certificate-not-yet-valid'; readonly notBefore: string }
  | { readonly code: 'certificate-expires-soon'; readonly notAfter: string; readonly days: number }
  | { readonly code: 'certificate-name'; readonly expected: string; readonly names: readonly string[] }
  | { readonly code: 'certificate-usage' }
  | { readonly code: 'certificate-untrusted'; readonly why: string }
  | { readonly code: 'certificate-weak'; readonly what: string }
  | { readonly code: 'tls-old'; readonly protocol: string }
  | {
      readonly code:
        | 'not-authoritative'
        | 'no-srv'
        | 'paused'
        | 'not-synchronized'
        | 'global-catalog-not-ready'
        | 'not-active-directory'
        | 'clock-not-synchronized';
    }
  | { readonly code: 'dns-failure'; readonly rcode: string }
  /** `total`: how many are registered, where `registered` holds only some of them. */
  | { readonly code: 'not-registered'; readonly name: string; readonly registered: readonly string[]; readonly total?: number }
  | { readonly code: 'clock-local'; readonly stratum: number }
  /** `disconnected`: it announced that it hangs up. */
  | { readonly code: 'ldap-refused'; readonly resultCode: number; readonly disconnected?: true }
  | { readonly code: 'rpc-refused'; readonly why: string }
  /** `status`: an NTSTATUS in hex, or `no-dialect`. */
  | { readonly code: 'negotiation-refused'; readonly status: string }
  | { readonly code: 'name-service-refused'; readonly errorCode: number }
  | { readonly code: 'signing-not-required' | 'anonymous-refused' }
  | { readonly code: 'dialect-old'; readonly dialect: string }
  | { readonly code: 'port-outside-range'; readonly port: number; readonly range: string }
  | { readonly code: 'port-translated'; readonly dialled: number; readonly actual: number }
  | { readonly code: 'kdc-complaint'; readonly errorCode: number }
  | { readonly code: 'no-preauthentication'; readonly principal: string }
  | { readonly code: 'other-service'; readonly service: string }
  | { readonly code: 'ticket-refused'; readonly service: string; readonly errorCode: number }
  | { readonly code: 'bind-refused'; readonly resultCode: number; readonly disconnected?: true }
  | { readonly code: 'time-refused'; readonly kissCode: string }
  | { readonly code: 'follow-up'; readonly what: string }
  | {
      readonly code: 'not-checked';
      readonly because:
        | 'source-unreachable'
        | 'output-lost'
        | 'source-denied'
        | 'source-exhausted'
        | 'unsupported'
        | 'interrupted'
        | 'no-credentials'
        | 'unclassified';
      readonly message: string;
    }
  | { readonly code: 'not-equipped'; readonly message: string }
  | { readonly code: 'prerequisite'; readonly because: string }
  | { readonly code: 'not-applicable'; readonly feature: string }
  | { readonly code: 'no-vantage' };

export type FindingCode = Finding['code'];

/** Something worth saying beside a verdict that does not change it. */
export type Note =
  /** Only the handshake was looked at: the probe for this protocol comes later. */
  | 'handshake-only'
  /** `closed` was seen, and a firewall that rejects looks the same. */
  | 'firewall-may-refuse'
  /** Rejections were held back by a rate limit, so silence may be one of them. */
  | 'rejections-limited'
  /** It took more than one attempt. */
  | 'retried'
  /** This source cannot see a refusal over UDP. */
  | 'source-cannot-see-udp-refusals'
  /** The rule is kept for old systems only. */
  | 'legacy'
  /** The expected identity could not be compared: the answer did not carry it. */
  | 'identity-not-compared';

export interface Verdict {
  readonly status: VerdictStatus;
  readonly finding?: Finding;
  /** Findings beside the one that decided, worst first. */
  readonly also?: readonly Finding[];
  readonly notes?: readonly Note[];
}

/** The controller's conclusions, as codes with arguments. Words for them live in `reporters/finding-wording.ts` and its neighbours. */
import type { Reason, ServiceStatus, State } from '../agent/contract/outcome.ts';
import type { Size } from '../agent/contract/probe.ts';

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
  /** Answered when small, and not when so many bytes go there or come back. `unproven`: never seen on that platform, so it may be the service. */
  | { readonly code: 'size-lost'; readonly of: Size['of']; readonly bytes: number; readonly unproven?: true }
  /** The answer that was to have at least `wanted` bytes had fewer. */
  | { readonly code: 'answer-short'; readonly bytes: number; readonly wanted: number }
  | { readonly code: 'wrong-host'; readonly what: 'domain' | 'name' | 'guid'; readonly expected: string; readonly actual: string }
  | { readonly code: 'reply-lost' | 'forbidden-open' | 'uninformative' | 'accept-all' }
  /** `byName`: the destination is a name, whose control is another source. */
  | { readonly code: 'no-control'; readonly byName?: true }
  /** `interface`: the endpoint mapper names no port for it today, so that none was dialled. */
  | { readonly code: 'reached-host'; readonly interface?: string }
  | { readonly code: 'unproven'; readonly status: ServiceStatus }
  | { readonly code: 'clock-skew'; readonly offsetMs: number; readonly limitMs: number }
  | { readonly code: 'certificate-expired'; readonly notAfter: string }
  | { readonly code: 'certificate-not-yet-valid'; readonly notBefore: string }
  | { readonly code: 'certificate-expires-soon'; readonly notAfter: string; readonly days: number }
  | { readonly code: 'certificate-name'; readonly expected: string; readonly names: readonly string[] }
  | { readonly code: 'certificate-usage' }
  | { readonly code: 'certificate-untrusted'; readonly why: string; readonly issuer?: string }
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
  /** DCs of the inventory that DNS does not list, and such that only DNS knows. */
  | { readonly code: 'dcs-not-registered' | 'unknown-dcs'; readonly names: readonly string[] }
  /** Read-only DCs in the list of the whole domain; and DCs that the list of their own site lacks. */
  | { readonly code: 'read-only-dcs-registered'; readonly names: readonly string[] }
  | { readonly code: 'dcs-not-in-site'; readonly site: string; readonly names: readonly string[] }
  /** Names that the server lists over one transport and not over the other. */
  | { readonly code: 'dns-disagrees'; readonly onlyTcp: readonly string[]; readonly onlyUdp: readonly string[] }
  | {
      readonly code: 'dc-registers-unreachable-address' | 'dc-registers-unknown-address';
      readonly name: string;
      readonly addresses: readonly string[];
    }
  /** `actual`: empty where the source's subnet is in no site. */
  | { readonly code: 'wrong-site'; readonly whose: 'dc' | 'source'; readonly expected: string; readonly actual: string }
  | { readonly code: 'clock-local'; readonly stratum: number }
  /** `disconnected`: it announced that it hangs up. */
  | { readonly code: 'ldap-refused'; readonly resultCode: number; readonly disconnected?: true }
  | { readonly code: 'rpc-refused'; readonly why: string }
  /** `status`: an NTSTATUS in hex, or `no-dialect`. */
  | { readonly code: 'negotiation-refused'; readonly status: string }
  | { readonly code: 'name-service-refused'; readonly errorCode: number }
  | { readonly code: 'signing-not-required' | 'anonymous-refused' | 'rdp-without-tls' }
  /** `failure`: [MS-RDPBCGR] 2.2.1.2.2. */
  | { readonly code: 'rdp-refused'; readonly failure: number }
  | { readonly code: 'framing-refused'; readonly fault: string }
  /** `status`: of HTTP. */
  | { readonly code: 'winrm-refused' | 'no-gateway'; readonly status: number }
  | { readonly code: 'basic-in-clear' }
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
  | { readonly code: 'no-vantage' }
  /** `field`: of the source, which the name of the destination holds. */
  | { readonly code: 'field-missing'; readonly field: string }
  /** `proxy`: it is the proxy's own name. */
  | { readonly code: 'name-unknown'; readonly proxy?: string }
  | { readonly code: 'name-unsettled'; readonly why: string; readonly proxy?: string }
  | { readonly code: 'proxy-unreachable'; readonly proxy: string; readonly reason: Reason }
  | { readonly code: 'proxy-silent'; readonly proxy: string; readonly status: ServiceStatus }
  /** `status`: of HTTP. `withheld`: the environment has credentials for the proxy, which were not sent. */
  | { readonly code: 'proxy-refused'; readonly proxy: string; readonly status: number; readonly withheld?: true };

export type FindingCode = Finding['code'];

/** Something worth saying beside a verdict that does not change it. */
export type Note =
  /** Only the handshake was looked at. */
  | 'handshake-only'
  /** A QUIC endpoint answered; which protocol it serves was not asked. */
  | 'quic-only'
  /** `closed` was seen, and a firewall that rejects looks the same. */
  | 'firewall-may-refuse'
  /** Rejections were held back by a rate limit, so silence may be one of them. */
  | 'rejections-limited'
  /** It took more than one attempt. */
  | 'retried'
  /** This source cannot see a refusal over UDP. */
  | 'source-cannot-see-udp-refusals'
  /** Some peers answer only a question from one local port, and the source may not have it, or somebody else holds it there. */
  | 'from-another-port'
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

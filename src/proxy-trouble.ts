/** What stood in the way of an endpoint behind a proxy, where that was the proxy itself. It says nothing of the endpoint. */
import type { Observed } from '../agent/contract/outcome.ts';
import type { Finding } from './verdict.ts';

/** Trouble with a proxy. `isCertain`: no client of this host gets through, whatever it has that the agent has not. */
export interface ProxyTrouble {
  readonly finding: Extract<Finding, { readonly code: 'proxy-unreachable' | 'proxy-silent' | 'proxy-refused' }>;
  readonly isCertain: boolean;
}

const loginWanted = 407;

/** The trouble that an outcome shows, or undefined where there was no proxy, or it opened the way. */
export function proxyTrouble({ state, reason, service }: Observed): ProxyTrouble | undefined {
  const { proxy, proxyStatus, proxyCredentialsWithheld: withheld } = service?.facts ?? {};
  if (proxy === undefined || service === undefined) return undefined;
  if (state !== 'open') return { finding: { code: 'proxy-unreachable', proxy, reason }, isCertain: true };
  if (proxyStatus === undefined) {
    // One that takes the question and stays silent may wait for an endpoint that it cannot reach; one that talks nonsense is none.
    return { finding: { code: 'proxy-silent', proxy, status: service.status }, isCertain: service.status === 'malformed' };
  }
  if (service.status !== 'absent') return undefined;
  const finding = { code: 'proxy-refused', proxy, status: proxyStatus, ...(withheld === true && { withheld }) } as const;
  return { finding, isCertain: !(proxyStatus === loginWanted && withheld === true) };
}

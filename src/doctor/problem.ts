/** What stands in the way of a run through Systems Manager, and what to do about it. Pure. */
import type { Refusal } from '../aws.ts';

/** `blocks`: nothing can run there. `unknown`: nobody could look. `note`: it runs, and this is worth knowing. */
export type Weight = 'blocks' | 'unknown' | 'note';

/** Stable names of problems. */
export type ProblemCode =
  | 'permission'
  | 'credentials'
  | 'endpoint'
  | 'throttled'
  | 'refused'
  | 'document-missing'
  | 'document-foreign'
  | 'document-status'
  | 'document-contract'
  | 'document-narrow'
  | 'package-missing'
  | 'not-managed'
  | 'ambiguous'
  | 'offline'
  | 'platform'
  | 'old-windows'
  | 'old-agent'
  | 'vulnerable-agent'
  | 'untagged'
  | 'no-session'
  | 'runtime-missing'
  | 'undelivered'
  | 'step'
  | 'output-lost';

/** One problem, in words: what it is, and the next step. */
export interface Problem {
  readonly code: ProblemCode;
  readonly weight: Weight;
  readonly what: string;
  readonly next: string;
}

/** The policy that has all that an operator needs. */
export const operatorPolicy = 'agent/ssm/policies/operator.json';

/** Errors by which IAM, or the service in its name, says no. */
const denials = /AccessDenied|Unauthorized|NotAuthorized|Forbidden/;
const wrongCredentials = /Credentials|Token|UnrecognizedClient|SignatureDoesNotMatch|SSO|Profile|RequestExpired|IncompleteSignature/i;
const noWay = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPROTO|CERT|certificate|socket hang up|timed? ?out/i;

/** What a refused call means. `action`: what IAM calls it, like `ssm:SendCommand`. */
export function refusedCall(action: string, region: string, { name, message }: Refusal): Problem {
  if (denials.test(name)) {
    return {
      code: 'permission',
      weight: 'blocks',
      what: `${action} in ${region} is not allowed: ${message}`,
      next: `let whoever runs portmatrix do it: ${operatorPolicy} has all that is needed`,
    };
  }
  if (wrongCredentials.test(name) || /credentials/i.test(message)) {
    return {
      code: 'credentials',
      weight: 'unknown',
      what: `there are no valid credentials for ${region}: ${message}`,
      next: 'log in (aws sso login), or name a profile or a role under accounts in the inventory',
    };
  }
  if (noWay.test(`${name} ${message}`)) {
    return {
      code: 'endpoint',
      weight: 'unknown',
      what: `${action} in ${region} cannot be asked from here: ${message}`,
      next: `see what is in the way: portmatrix preflight --purpose ssm --region ${region}`,
    };
  }
  if (/Throttl|TooManyRequests|Rate/i.test(name)) {
    return { code: 'throttled', weight: 'unknown', what: `${action} in ${region} is throttled: ${message}`, next: 'try again in some minutes' };
  }
  return { code: 'refused', weight: 'unknown', what: `${action} in ${region}: ${name}: ${message}`, next: 'what AWS says is all that is known' };
}

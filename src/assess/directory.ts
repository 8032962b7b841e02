/** What a directory says of itself: over LDAP, in the LDAP ping, and in the same ping by mailslot. */
import type { Facts } from '../../agent/contract/fact.ts';
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';
import { clientSite, dcSite, domain, domainGuid, hostName, nobody } from './identity.ts';
import { told } from './sameness.ts';

/** Rules for a rootDSE. */
export const directoryRules: readonly Rule[] = [activeDirectory, directoryRefusal, domain, hostName, domainGuid, replication, globalCatalog];

/** Rules for the answer to the LDAP ping. */
export const pingRules: readonly Rule[] = [pingedDomain, directoryRefusal, domain, hostName, domainGuid, paused, dcSite, clientSite];

/** Rules for the answer to the ping by mailslot. */
export const mailslotRules: readonly Rule[] = [domain, hostName, domainGuid, paused];

/** A DC answers the ping for a domain that it does not host with no domain at all ([MS-ADTS] 6.3.3.3). */
function pingedDomain(answer: Answer): Assessed | undefined {
  const { facts, expected } = answer;
  if (!isSuccess(facts) || namesDomain(facts) || expected.domain === undefined) return activeDirectory(answer);
  return fail({ code: 'wrong-host', what: 'domain', expected: expected.domain, actual: nobody });
}

/** Errors of a server that wants more before it shows its rootDSE, or shows it elsewhere: operationsError, referral, inappropriateAuthentication,
 * insufficientAccessRights, unwillingToPerform (RFC 4511 appendix A.2). A DC shows it to anybody. */
const foreignErrors: ReadonlySet<number> = new Set([1, 10, 48, 50, 53]);

/** Errors of a server that is overloaded, shutting down, or hardened: strongerAuthRequired, busy, unavailable. */
export const passingErrors: ReadonlySet<number> = new Set([8, 51, 52]);

/** A rootDSE without a domain is another directory's. */
function activeDirectory({ facts }: Answer): Assessed | undefined {
  if (namesDomain(facts) || facts.disconnected === true) return undefined;
  return isSuccess(facts) || foreignErrors.has(facts.resultCode ?? 0) ? fail({ code: 'not-active-directory' }) : undefined;
}

/** A search that ended with an error and brought nothing, or with the announcement that the server hangs up, whatever came before it. */
function directoryRefusal({ facts }: Answer): Assessed | undefined {
  const { resultCode = 0, disconnected } = facts;
  if (disconnected === true) return warn({ code: 'ldap-refused', resultCode, disconnected });
  if (isSuccess(facts) || namesDomain(facts) || foreignErrors.has(resultCode)) return undefined;
  const finding = { code: 'ldap-refused', resultCode } as const;
  return passingErrors.has(resultCode) ? warn(finding) : fail(finding);
}

function isSuccess({ resultCode = 0, disconnected }: Facts): boolean {
  return resultCode === 0 && disconnected !== true;
}

function namesDomain(facts: Facts): boolean {
  return [facts.domain, facts.forest, facts.netbiosDomain, facts.domainGuid].some((text) => told(text) !== undefined);
}

const globalCatalogPorts: ReadonlySet<number> = new Set([3268, 3269]);

function paused({ facts }: Answer): Assessed | undefined {
  return facts.paused === true ? warn({ code: 'paused' }) : undefined;
}

function replication({ facts }: Answer): Assessed | undefined {
  return facts.synchronized === false ? warn({ code: 'not-synchronized' }) : undefined;
}

function globalCatalog({ facts, port }: Answer): Assessed | undefined {
  return facts.globalCatalogReady === false && globalCatalogPorts.has(port) ? fail({ code: 'global-catalog-not-ready' }) : undefined;
}

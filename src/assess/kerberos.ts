/** What a KDC, the password-change service and a service that is given a ticket say (RFC 4120 §7.5.9). */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';
import { passingErrors } from './directory.ts';
import { differing, nobody } from './identity.ts';
import { isSameText, told } from './sameness.ts';

/** Rules for the answer to an AS-REQ. */
export const kdcRules: readonly Rule[] = [realm, wrongRealm, kdcComplaint, preAuthentication];

/** Rules for the answer of the password-change service. */
export const passwordRules: readonly Rule[] = [realm, wrongRealm, passwordService];

/** Rules for the answer to a request for a service ticket. */
export const ticketRules: readonly Rule[] = [ticketRefusal];

/** Rules for the answer to an LDAP bind with a ticket. */
export const bindRules: readonly Rule[] = [ticketBind];

const kerberosErrors = { none: 0, clientUnknown: 6, preAuthenticationRequired: 25, responseTooBig: 52, wrongRealm: 68 } as const;

/** Answers that show that the KDC looked: it knows the account, or does not serve the realm. */
export const tellingErrors: ReadonlySet<number> = new Set([kerberosErrors.none, kerberosErrors.preAuthenticationRequired, kerberosErrors.wrongRealm]);

/** An unknown client proves no realm: Samba says so for any, and echoes it. */
function realm({ facts, expected }: Answer): Assessed | undefined {
  const isTelling = facts.errorCode !== kerberosErrors.clientUnknown && facts.errorCode !== kerberosErrors.wrongRealm;
  return isTelling ? differing('domain', expected.domain, told(facts.realm)) : undefined;
}

function wrongRealm({ facts, expected }: Answer): Assessed | undefined {
  if (facts.errorCode !== kerberosErrors.wrongRealm) return undefined;
  // Without a known domain the realm was a guess of ours.
  if (expected.domain === undefined) return warn({ code: 'kdc-complaint', errorCode: facts.errorCode });
  const actual = told(facts.realm);
  const named = actual === undefined || isSameText(actual, expected.domain) ? nobody : actual;
  return fail({ code: 'wrong-host', what: 'domain', expected: expected.domain, actual: named });
}

/** All but the one answer that a healthy KDC has for an account that it holds. One that is too big leads to another question, which says what became of it. */
function kdcComplaint({ facts: { errorCode, followUp: trouble } }: Answer): Assessed | undefined {
  if (errorCode === undefined || tellingErrors.has(errorCode)) return undefined;
  if (errorCode === kerberosErrors.responseTooBig && trouble !== undefined) return undefined;
  return warn({ code: 'kdc-complaint', errorCode });
}

/** A ticket in place of an error: with it anybody can try passwords of the account at home. */
function preAuthentication({ facts: { errorCode, principal = nobody } }: Answer): Assessed | undefined {
  return errorCode === kerberosErrors.none ? warn({ code: 'no-preauthentication', principal }) : undefined;
}

/** The password-change service names itself in its refusals; that Windows does has not been seen, so another name is no proof against it. */
function passwordService({ facts: { servicePrincipal } }: Answer): Assessed | undefined {
  return servicePrincipal === undefined ? undefined : warn({ code: 'other-service', service: servicePrincipal });
}

/**
 * Errors that no client would be spared: the service is unknown or has no common encryption type, the KDC is out of service, has other keys than the one
 * that gave the ticket-granting ticket, or another time. Any other says something of the credentials that we came with.
 */
const refusalsToAnybody: ReadonlySet<number> = new Set([7, 14, 29, 31, 37, 41]);

function ticketRefusal({ facts: { errorCode = 0, servicePrincipal = nobody } }: Answer): Assessed | undefined {
  if (errorCode === kerberosErrors.none) return undefined;
  const finding = { code: 'ticket-refused', service: servicePrincipal, errorCode } as const;
  return refusalsToAnybody.has(errorCode) ? fail(finding) : warn(finding);
}

/** A bind that goes on was not refused: the server's token comes only after it has read the ticket. */
const saslBindInProgress = 14;

/** A server that is overloaded, shutting down, or wants a protection that was not agreed on, says nothing against the ticket. */
function ticketBind({ facts: { resultCode = 0, disconnected } }: Answer): Assessed | undefined {
  if (disconnected === true) return warn({ code: 'bind-refused', resultCode, disconnected });
  if (resultCode === 0 || resultCode === saslBindInProgress) return undefined;
  const finding = { code: 'bind-refused', resultCode } as const;
  return passingErrors.has(resultCode) ? warn(finding) : fail(finding);
}

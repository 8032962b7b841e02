/**
 * A service ticket from the KDC of one DC (RFC 4120 §3.3), with the credentials of the source.
 *
 * 1. A TCP handshake with the KDC shows that the port is open, and is let go of.
 * 2. libkrb5, in a process of its own, asks the same address and port for a ticket for `ldap/<dc>` or `cifs/<dc>`; with a key table, for a ticket-granting
 *    ticket before.
 * 3. A ticket: identified, error code 0. That for the LDAP service is kept for the bind (`ldap-bind`).
 * 4. An error of the KDC: identified by its code.
 */
import { realmOf } from '../codecs/kerberos.ts';
import { orderTicket, type Speak } from '../net/dialogue.ts';

/** Asks for a ticket for the DC's LDAP service. */
export const ldapTicket: Speak = speakFor('ldap');

/** Asks for a ticket for the DC's file service. */
export const cifsTicket: Speak = speakFor('cifs');

function speakFor(service: 'ldap' | 'cifs'): Speak {
  return function* ticket({ domain, dnsName }) {
    const realm = realmOf(domain, dnsName);
    const issue = yield* orderTicket({ service, dnsName, realm });
    const facts = { realm, principal: issue.principal, servicePrincipal: `${service}/${dnsName}` };
    if ('errorCode' in issue) return { status: 'identified', facts: { errorCode: issue.errorCode, ...facts } };
    return { status: 'identified', facts: { errorCode: 0, ...facts }, ...(service === 'ldap' && { ticket: issue.token }) };
  };
}

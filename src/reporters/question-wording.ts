/** What goes over the wire, in words. */
import type { ProbeName } from '../../agent/contract/probe.ts';

/** What each probe sends, in one phrase for people. */
export const questions: Readonly<Record<ProbeName, string>> = {
  tcp: 'a TCP handshake, then FIN',
  udp: 'one datagram of one zero byte; only an ICMP error or an answer tells anything',
  dns: 'SRV of _ldap._tcp.dc._msdcs.<domain>, then SOA of the domain, without recursion; over TCP also A and AAAA of the DC, the SRV of a site with a read-only DC, and a handshake with TCP 389 on each further address of the DC',
  cldap: 'the LDAP ping for the domain',
  ldap: 'the rootDSE, without a bind',
  ldaps: 'a TLS handshake, then the rootDSE inside it',
  kerberos: 'an AS-REQ without pre-authentication for a machine account (no password is tried)',
  kpasswd: 'a password-change frame around a ticket of filler bytes, which nothing can decrypt',
  ntp: 'one 48-byte client request',
  smb: 'an SMB2 NEGOTIATE, no session set-up',
  epm: 'a bind to the endpoint mapper, then ept_map for each RPC interface',
  rpc: 'a bind to the interface on the port that the endpoint mapper or the rule names, no call',
  'ldap-ticket': 'with credentials of the source: a ticket for ldap/<dc>, from this KDC and no other',
  'cifs-ticket': 'with credentials of the source: a ticket for cifs/<dc>, from this KDC and no other',
  'ldap-bind': 'an LDAP bind (GSS-SPNEGO) with the ticket for ldap/<dc>, and nothing after it',
  netbios: 'UDP: node status; TCP: a session request',
  https: 'a TLS handshake under the name, then HEAD of / inside it; after CONNECT where the environment names a proxy',
  'netbios-datagram': "the DC locator's mailslot ping for the domain, from port 138 where the source may have it",
  rdp: 'TCP: which security RDP chooses, no cookie and no session; UDP: one SYN of full length',
  adws: 'the .NET framing preamble for the metadata endpoint of AD Web Services, no message',
  quic: 'a first packet of QUIC in a reserved version, which asks for the versions spoken, no TLS',
  winrm: 'one POST of Identify of WS-Management to /wsman, without credentials',
  'winrm-tls': 'a TLS handshake, then one POST of Identify of WS-Management to /wsman inside it, without credentials',
  rdgw: 'a TLS handshake, then one RDG_OUT_DATA request to /remoteDesktopGateway/ inside it, without credentials',
};

/** How each probe of the contract speaks. */
import type { ProbeName } from '../contract/probe.ts';
import type { Speak } from '../net/dialogue.ts';
import { adws } from './adws.ts';
import { cldap } from './cldap.ts';
import { dns } from './dns.ts';
import { epm } from './epm.ts';
import { https } from './https.ts';
import { kerberos } from './kerberos.ts';
import { kpasswd } from './kpasswd.ts';
import { ldap, ldaps } from './ldap.ts';
import { ldapBind } from './ldap-bind.ts';
import { netbios } from './netbios.ts';
import { netbiosDatagram } from './netbios-datagram.ts';
import { ntp } from './ntp.ts';
import { quic } from './quic.ts';
import { rdgw } from './rdgw.ts';
import { rdp } from './rdp.ts';
import { rpc } from './rpc.ts';
import { smb } from './smb.ts';
import { tcp } from './tcp.ts';
import { cifsTicket, ldapTicket } from './ticket.ts';
import { udp } from './udp.ts';
import { winrm, winrmTls } from './winrm.ts';

export const speakers: Readonly<Record<ProbeName, Speak>> = {
  tcp,
  udp,
  dns,
  cldap,
  ldap,
  ldaps,
  kerberos,
  kpasswd,
  ntp,
  smb,
  epm,
  rpc,
  'ldap-ticket': ldapTicket,
  'cifs-ticket': cifsTicket,
  'ldap-bind': ldapBind,
  netbios,
  https,
  'netbios-datagram': netbiosDatagram,
  rdp,
  adws,
  quic,
  winrm,
  'winrm-tls': winrmTls,
  rdgw,
};

/** What a question leaves in logs. SECURITY.md has the same table, and a test holds the two against each other. */
import type { ProbeName } from '../../agent/contract/probe.ts';

/** What probes leave where they are asked, in words that stand in a table. */
export interface Trace {
  /** The questions, as people call them. */
  readonly what: string;
  readonly probes: readonly ProbeName[];
  readonly leaves: string;
}

/** Every probe stands in one row. */
export const traces: readonly Trace[] = [
  {
    what: 'Bare handshake, bare datagram',
    probes: ['tcp', 'udp'],
    leaves:
      'nothing of the system by default; a service may log a connection that ends without a question. Windows has 5156 and 5157 only where the filtering platform is audited',
  },
  {
    what: 'DNS, LDAP ping, rootDSE, NTP, endpoint mapper, RPC binds, NetBIOS',
    probes: ['dns', 'cldap', 'ldap', 'ntp', 'epm', 'rpc', 'netbios', 'netbios-datagram'],
    leaves: "nothing at Samba's default level; on Windows nothing by default. An address whose subnet is not in AD Sites counts in event 5807",
  },
  { what: 'Kerberos', probes: ['kerberos'], leaves: 'nothing on Samba; on Windows 4768 with 0x19 only where failures are audited' },
  {
    what: '`--kerberos`',
    probes: ['ldap-ticket', 'cifs-ticket', 'ldap-bind'],
    leaves: 'Windows, where audited: 4769 for each ticket (with a key 4768; 4771 if it is wrong), 4624 and 4634 for the bind',
  },
  { what: 'kpasswd', probes: ['kpasswd'], leaves: 'Samba: two lines for each question' },
  { what: 'LDAPS', probes: ['ldaps'], leaves: 'nothing; a failed handshake is Schannel 36874 or 36888' },
  { what: 'SMB', probes: ['smb'], leaves: 'Samba may log one end-of-file line' },
  {
    what: 'RDP',
    probes: ['rdp'],
    leaves: 'Windows: one event for each connection (TerminalServices-RemoteConnectionManager 261, RdpCoreTS 131); xrdp: some lines for each',
  },
  {
    what: 'WinRM, RD Gateway',
    probes: ['winrm', 'winrm-tls', 'rdgw'],
    leaves: 'one line in the log of http.sys or IIS, where one is kept; no logon event. A failed handshake is Schannel 36874 or 36888',
  },
  {
    what: 'HTTPS',
    probes: ['https'],
    leaves: "one line in the web server's access log (`HEAD /`, `User-Agent: portmatrix`); behind a proxy one line in the proxy's (CONNECT)",
  },
  { what: 'ADWS, QUIC', probes: ['adws', 'quic'], leaves: 'nothing is known of' },
];

/** What the probe leaves in logs on the destination. Throws for a probe that the table forgot. */
export function traceOf(probe: ProbeName): string {
  const trace = traces.find(({ probes }) => probes.includes(probe));
  if (trace === undefined) throw new Error(`nobody says what the probe ${probe} leaves in logs`);
  return trace.leaves;
}

/** What each probe is, as data: all that planning and judging need to know of it. How it speaks is the agent's own matter. */

export type Transport = 'tcp' | 'udp';

/** What a destination runs on, as far as it decides how a probe's silence is read. */
export type Platform = 'samba' | 'windows';

/** What of an exchange is made large, to see what the path carries: the request, to exactly so many bytes of payload, or the reply, to at least so many. */
export interface Size {
  readonly of: 'request' | 'reply';
  readonly bytes: number;
}

interface ProbeTraits {
  readonly transports: readonly Transport[];
  /** True when the probe asks the service to identify itself; false when it asks only for the port. */
  readonly identifies: boolean;
  /** Whether a service that gives no answer is a fault, or may be healthy (it answers only some callers, or is often switched off). */
  readonly silence: 'failure' | 'uninformative';
  /** Platforms on which this project has seen the probe answered. On any other it can prove a port open, never broken. */
  readonly seenOn: readonly Platform[];
  /** What of its exchange can be made large without harm; absent: nothing. */
  readonly enlarges?: readonly Size['of'][];
  /** What must be known of the destination before the probe can ask. */
  readonly needs?: 'rpc-port' | 'ticket';
  /** True when it uses credentials of the source: it is asked only where the user says so. */
  readonly authenticates?: true;
  /** How many forms the question has: the next one is asked when the peer hangs up on the one before, or leaves it unanswered over UDP. */
  readonly forms: number;
  /** Local UDP port that some peers want the question to come from; the source dials from it where it may. */
  readonly localPort?: number;
}

/** A ticket from the KDC of the destination, whatever it is for. */
const ticket = {
  transports: ['tcp'],
  identifies: true,
  silence: 'failure',
  seenOn: ['samba'],
  authenticates: true,
  forms: 1,
} as const satisfies ProbeTraits;

/** Every probe, by the name that rules use. */
export const probes = {
  tcp: { transports: ['tcp'], identifies: false, silence: 'failure', seenOn: ['samba', 'windows'], forms: 1 },
  udp: {
    transports: ['udp'],
    identifies: false,
    silence: 'uninformative',
    seenOn: ['samba', 'windows'],
    forms: 1,
  },
  dns: {
    transports: ['tcp', 'udp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
    enlarges: ['request'],
  },
  cldap: {
    transports: ['udp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
    enlarges: ['request', 'reply'],
  },
  ldap: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
    enlarges: ['request', 'reply'],
  },
  ldaps: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
  },
  kerberos: {
    transports: ['tcp', 'udp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
    enlarges: ['request'],
  },
  kpasswd: {
    transports: ['tcp', 'udp'],
    identifies: true,
    silence: 'uninformative',
    seenOn: ['samba'],
    forms: 2,
  },
  ntp: { transports: ['udp'], identifies: true, silence: 'failure', seenOn: ['samba'], forms: 1 },
  smb: { transports: ['tcp'], identifies: true, silence: 'failure', seenOn: ['samba'], forms: 2 },
  epm: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    forms: 1,
  },
  rpc: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    needs: 'rpc-port',
    forms: 1,
  },
  'ldap-ticket': ticket,
  'cifs-ticket': ticket,
  'ldap-bind': {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: ['samba'],
    needs: 'ticket',
    authenticates: true,
    forms: 1,
  },
  netbios: {
    transports: ['tcp', 'udp'],
    identifies: true,
    silence: 'uninformative',
    seenOn: ['samba'],
    forms: 2,
  },
  https: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    // Public endpoints are out of this project's reach: what is known of their silence comes from documents.
    seenOn: [],
    forms: 1,
  },
  'netbios-datagram': {
    transports: ['udp'],
    identifies: true,
    silence: 'uninformative',
    seenOn: ['samba'],
    forms: 1,
    localPort: 138,
  },
  rdp: {
    transports: ['tcp', 'udp'],
    identifies: true,
    silence: 'uninformative',
    seenOn: [],
    forms: 1,
  },
  adws: {
    transports: ['tcp'],
    identifies: true,
    silence: 'failure',
    seenOn: [],
    forms: 1,
  },
  quic: {
    transports: ['udp'],
    identifies: true,
    silence: 'uninformative',
    seenOn: [],
    forms: 1,
  },
  winrm: { transports: ['tcp'], identifies: true, silence: 'failure', seenOn: [], forms: 1 },
  'winrm-tls': { transports: ['tcp'], identifies: true, silence: 'failure', seenOn: [], forms: 1 },
  rdgw: { transports: ['tcp'], identifies: true, silence: 'failure', seenOn: [], forms: 1 },
} as const satisfies Readonly<Record<string, ProbeTraits>>;

export type ProbeName = keyof typeof probes;

/** Tickets that a source asks for at a time: each takes a process, and may take it for the whole of its deadline. */
export const mostTickets = 8;

/** True for a probe that has a ticket asked for; one that only needs a ticket is given it. */
export function ordersTicket(probe: ProbeName): boolean {
  const { authenticates, needs } = traitsOf(probe);
  return authenticates === true && needs !== 'ticket';
}

/** The traits of a probe under their general type (the table above keeps each row's own literals). */
export function traitsOf(probe: ProbeName): ProbeTraits {
  return probes[probe];
}

/** The RPC interfaces that the product knows, as rules name them ([MS-DRSR], [MS-NRPC], [MS-SAMR], [MS-LSAD], [MS-FRS2]). */
export const rpcInterfaces = ['drsuapi', 'netlogon', 'samr', 'lsarpc', 'dfsr'] as const;
export type RpcInterface = (typeof rpcInterfaces)[number];

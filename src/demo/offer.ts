/** What the simulated hosts offer: every port that a healthy host of that role has open, and who speaks there. */
import type { Transport } from '../../agent/contract/probe.ts';
import type { speakersOf } from './speakers.ts';

/** A service by the probe that asks it; or a port that takes datagrams and never answers. */
export interface Offer {
  readonly port: number | 'rpc';
  readonly transport: Transport;
  readonly service: keyof ReturnType<typeof speakersOf> | 'silence';
}

const tcp = (port: Offer['port'], service: Offer['service']): Offer => ({ port, transport: 'tcp', service });
const udp = (port: number, service: Offer['service'] = 'silence'): Offer => ({ port, transport: 'udp', service });

/** The port by which the dc-to-dc matrix samples the dynamic UDP range: a function of the rule's name. */
const sampledPort = 64_370;

const winRm = [tcp(5985, 'winrm'), tcp(5986, 'winrm-tls')];

/**
 * By role. UDP 445 and the port that stands for the dynamic UDP range are silent here, where a real DC refuses: agents count the ICMP errors of their whole
 * host, which here is one for all four, and take a second look where there are many.
 */
export const offers: Readonly<Record<string, readonly Offer[]>> = {
  dc: [
    tcp(53, 'dns'),
    udp(53, 'dns'),
    tcp(88, 'kerberos'),
    udp(88, 'kerberos'),
    udp(123, 'ntp'),
    tcp(135, 'epm'),
    udp(137, 'netbios'),
    udp(138, 'netbios-datagram'),
    tcp(139, 'netbios'),
    tcp(389, 'ldap'),
    udp(389, 'cldap'),
    tcp(445, 'smb'),
    udp(445),
    tcp(464, 'kpasswd'),
    udp(464, 'kpasswd'),
    tcp(636, 'ldaps'),
    tcp(3268, 'ldap'),
    tcp(3269, 'ldaps'),
    tcp(3389, 'rdp'),
    udp(3389, 'rdp'),
    ...winRm,
    tcp(9389, 'adws'),
    tcp('rpc', 'rpc'),
    udp(sampledPort),
  ],
  bastion: winRm,
};

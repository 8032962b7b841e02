/** Where the simulated hosts stand: their addresses on loopback, and the one port map that keeps them off privileged ports. */

/** A simulated host. It listens on `port + offset`; dynamic ports are no privilege and stay as they are. */
export interface SimulatedHost {
  readonly name: string;
  readonly roles: readonly string[];
  readonly address: string;
  readonly offset: number;
  /** Where its RPC interfaces listen, all of them. */
  readonly rpcPort: number;
}

/** AD domain of the simulated hosts: the one of the captures. */
export const demoDomain = 'corp.example.test';

/** First of the dynamic ports (IANA), which are asked as they are. */
const firstDynamic = 49_152;

/** Offsets to try, one after the other, until all ports are free; the first RPC port lies as far above each. */
export const offsets: readonly number[] = Array.from({ length: 10 }, (_, turn) => 20_000 + turn * 500);
const rpcAbove = 29_664;

/** Ports of hosts that must share an address lie so far apart: more than the highest port of the published matrices that is not dynamic. */
const stride = 10_000;

const cast = [
  { name: 'dc1', role: 'dc', address: '127.77.0.11' },
  { name: 'dc2', role: 'dc', address: '127.77.0.12' },
  { name: 'client', role: 'client', address: '127.77.0.21' },
  { name: 'bastion', role: 'bastion', address: '127.77.0.31' },
] as const;

/** The hosts at this offset: each at an address of its own, or, where the system has only 127.0.0.1, there with further offsets. */
export function layOut(offset: number, isShared: boolean): readonly SimulatedHost[] {
  const listening = cast.filter(({ role }) => role !== 'client');
  return cast.map((host): SimulatedHost => {
    const { name, role, address } = host;
    const place = isShared ? listening.findIndex((other) => other.name === name) : 0;
    return {
      name,
      roles: [role],
      address: isShared ? '127.0.0.1' : address,
      offset: offset + Math.max(0, place) * stride,
      rpcPort: offset + rpcAbove + Math.max(0, place),
    };
  });
}

/** Whether a port is asked as it is, of every demo that runs on this machine. */
export function isDynamic(port: number): boolean {
  return port >= firstDynamic;
}

/** The port that the host listens on in the place of this one. */
export function mapPort({ offset }: Pick<SimulatedHost, 'offset'>, port: number): number {
  return isDynamic(port) ? port : port + offset;
}

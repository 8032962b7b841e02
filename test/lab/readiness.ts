import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6 } from 'node:net';
import { fileURLToPath } from 'node:url';
import { attempt, run } from './command.ts';
import { pollUntil } from './poll.ts';
import { DC_TCP_PORTS, DCS, HOSTS, hostOf, inNetns } from './topology.ts';
import type { AnyDcName } from './topology.ts';

const answerMs = 1000;

/**
 * Waits until the named DCs answer the client, over IPv4 and IPv6: every TCP port, DNS with their own records and SRV,
 * NTP; throws with the first thing that is missing when the bound has passed.
 */
export async function awaitReadiness(dcs: readonly AnyDcName[], boundMs: number): Promise<void> {
  const argv = [process.execPath, fileURLToPath(import.meta.url), String(boundMs), ...dcs];
  await run([...inNetns(HOSTS.client.netns), ...argv], { timeoutMs: boundMs + 10_000 });
}

async function missing(dcs: readonly AnyDcName[]): Promise<string | undefined> {
  const found = await Promise.all(
    dcs.flatMap((dc) => {
      const { address, address6 } = hostOf(dc);
      return [address, address6].map(async (at) => (await firstMissingPort(at)) ?? (await missingNames(at, dcs)) ?? (await missingTime(at)));
    }),
  );
  return found.find((text) => text !== undefined);
}

async function firstMissingPort(address: string): Promise<string | undefined> {
  const ports = await Promise.all(DC_TCP_PORTS.map(async (port) => ((await accepts(address, port)) ? undefined : port)));
  const port = ports.find((found) => found !== undefined);
  return port === undefined ? undefined : `TCP ${address} ${port}`;
}

async function accepts(address: string, port: number): Promise<boolean> {
  const socket = connect({ host: address, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(answerMs) });
    return true;
  } catch {
    return false; // Whatever the reason, it is not ready.
  } finally {
    socket.destroy();
  }
}

/** The records that DNS must hold for these DCs, as `name type data`; Windows and Linux members locate a DC by them. */
function recordsOf(dcs: readonly AnyDcName[]): string[] {
  return dcs.flatMap((dc) => {
    const { fqdn, address, address6, domain } = hostOf(dc);
    return [
      `_ldap._tcp.dc._msdcs.${domain.name} SRV 0 100 389 ${fqdn}`,
      `_kerberos._udp.${domain.name} SRV 0 100 88 ${fqdn}`,
      `_gc._tcp.${domain.name} SRV 0 100 3268 ${fqdn}`,
      `${fqdn} A ${address}`,
      `${fqdn} AAAA ${address6}`,
    ];
  });
}

async function missingNames(server: string, dcs: readonly AnyDcName[]): Promise<string | undefined> {
  // dig, for Node's own resolver refuses Samba's SRV answers: their target is compressed, against RFC 2782 (EBADRESP
  // from c-ares 1.34.8 in Node 24.21; 1.34.6 in Node 20.20 takes them).
  const expected = recordsOf(dcs);
  const questions = new Set(expected.map((record) => record.split(' ').slice(0, 2).join(' ')));
  const asked = [...questions].flatMap((question) => question.split(' '));
  const { stdout } = await attempt(['dig', '+noall', '+answer', '+time=1', '+tries=1', `@${server}`, ...asked], { timeoutMs: 10_000 });
  const answers = new Set(
    stdout
      .toLowerCase()
      .split('\n')
      .map((line) => {
        const [name = '', , , ...typeAndData] = line.split(/\s+/); // name. ttl IN type data.
        return [name, ...typeAndData].map((word) => word.replace(/\.$/, '')).join(' ');
      }),
  );
  const absent = expected.find((record) => !answers.has(record.toLowerCase()));
  return absent === undefined ? undefined : `DNS at ${server}: ${absent}`;
}

async function missingTime(server: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  try {
    socket.connect(123, server);
    await once(socket, 'connect');
    const request = Buffer.alloc(48);
    request[0] = 0x23; // version 4, mode 3 (client)
    socket.send(request);
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(answerMs) });
    if (!Buffer.isBuffer(reply) || ((reply[0] ?? 0) & 7) !== 4) return `NTP at ${server}: not a server's reply`;
    // Leap 3 is "not synchronized": chrony says it until its local reference is active.
    return (reply[0] ?? 0) >> 6 === 3 ? `NTP at ${server}: not synchronized` : undefined;
  } catch (error) {
    return `NTP at ${server}: ${String(error)}`;
  } finally {
    socket.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [boundMs = '', ...names] = process.argv.slice(2);
  const dcs = ([...DCS, 'dc3'] as const).filter((dc) => names.includes(dc));
  try {
    await pollUntil(`readiness of ${dcs.join(' and ')}`, Number(boundMs), () => missing(dcs));
  } catch (error) {
    // The parent shows this line; a stack would only hide it.
    console.error(String(error));
    process.exitCode = 1;
  }
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { attempt } from './command.ts';
import { pollUntil } from './poll.ts';
import { CORP, DC3, HOSTS, OTHER, ROUTER_NETNS, inNetns } from './topology.ts';

/** Which forest's DNS finds the other's names. */
export interface Directions {
  readonly corpKnowsOther: boolean;
  readonly otherKnowsCorp: boolean;
}

/** A running name server on the router, which every DC forwards to what is not its own. */
export interface DnsHub {
  readonly stop: () => Promise<void>;
}

/** Starts one that forwards each domain to its DCs, where the direction is open, and refuses everything else; resolves when it answers. */
export async function startDnsHub({ corpKnowsOther, otherKnowsCorp }: Directions): Promise<DnsHub> {
  const servers = [
    ...(corpKnowsOther ? [`--server=/${OTHER.name}/${DC3.address}`] : []),
    ...(otherKnowsCorp ? [HOSTS.dc1, HOSTS.dc2].map(({ address }) => `--server=/${CORP.name}/${address}`) : []),
  ];
  const gateways = [HOSTS.dc1, HOSTS.dc2, DC3].map(({ gateway }) => gateway);
  const words = ['--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--cache-size=0', '--user=root', '--pid-file=', '--bind-interfaces'];
  const dnsmasq = ['dnsmasq', '--keep-in-foreground', ...words, '--except-interface=lo', ...gateways.map((address) => `--listen-address=${address}`)];
  // The shell ends it when the pipe from us closes: by `stop`, exit or kill -9.
  const script = '"$@" <&- & cat > /dev/null; kill $!; wait $!';
  const [file = 'ip', ...args] = [...inNetns(ROUTER_NETNS), 'sh', '-c', script, 'sh', ...dnsmasq, ...servers];
  const child = spawn(file, args, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  try {
    await pollUntil('the DNS hub', 10_000, async () => {
      const { code, stdout } = await attempt([
        ...inNetns(DC3.netns),
        'dig',
        '+time=1',
        '+tries=1',
        `@${DC3.gateway}`,
        'version.bind',
        'chaos',
        'txt',
      ]);
      return code === 0 ? undefined : stdout;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

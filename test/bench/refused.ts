import { runAgent, pipeIntoNode } from './agent-process.ts';
import { withNamespacePair } from './namespace-pair.ts';
import { compare } from './repeat.ts';
import type { Row } from './row.ts';
import { type Scene, timeCommand } from './scene.ts';
import { twoHosts } from './two-hosts.ts';

const firstPort = 10_000;
const checks = 16_384;
const rounds = 5;
const lastPort = firstPort + checks - 1;

/** The least that Node can do: 256 sockets at a time, nothing kept, nothing said. */
function bareLoop(address: string, last: number): string {
  return `const net=require("net");let next=${firstPort};
    function dial(){if(next>${last})return;const socket=net.connect({host:${JSON.stringify(address)},port:next++,autoSelectFamily:false});socket.on("error",dial)}
    for(let i=0;i<256;i++)dial();`;
}

/** Row 2: every port refuses. Start-up is what the same command takes for one port. */
export function refused(): Promise<readonly Row[]> {
  return withNamespacePair(async (pair) => {
    const { onSource, destination } = pair;
    const many = twoHosts(pair, `${firstPort}-${lastPort}`);
    const one = twoHosts(pair, `${firstPort}`);
    const agent = async (scene: Scene): Promise<number> => {
      const { wallMs, results } = await runAgent(scene.plan('bulk').job, 'source', onSource);
      if (results.some(({ outcome }) => outcome.kind !== 'observed' || outcome.reason !== 'conn-refused'))
        throw new Error('a refused port was not seen');
      return wallMs;
    };
    const nmap = (ports: string): Promise<number> => timeCommand([...onSource, 'nmap', '-sT', '-Pn', '-n', '-p', ports, destination]);
    const bare = async (last: number): Promise<number> => (await pipeIntoNode(bareLoop(destination, last), onSource)).wallMs;
    const wallsOf = await compare(rounds, {
      nmap: () => nmap(`${firstPort}-${lastPort}`),
      nmapStart: () => nmap(`${firstPort}`),
      agent: () => agent(many),
      agentStart: () => agent(one),
      bare: () => bare(lastPort),
      bareStart: () => bare(firstPort),
      whole: async () => (await many.run(['--pace', 'bulk'])).wallMs,
      wholeStart: async () => (await one.run(['--pace', 'bulk'])).wallMs,
    });
    many.remove();
    one.remove();
    const nmapMs = wallsOf('nmap') - wallsOf('nmapStart');
    const agentMs = wallsOf('agent') - wallsOf('agentStart');
    return [
      { what: `2. ${checks} refused TCP ports: nmap -sT -Pn -n, start-up apart`, unit: 'ms', measured: nmapMs },
      { what: '2. the agent, start-up apart', unit: 'ms', measured: agentMs },
      { what: '2. the agent against nmap', unit: 'x', budget: 3, measured: agentMs / nmapMs },
      { what: '2. a bare Node loop against nmap', unit: 'x', measured: (wallsOf('bare') - wallsOf('bareStart')) / nmapMs },
      { what: '2. the whole run with its reports, start-up apart', unit: 'ms', measured: wallsOf('whole') - wallsOf('wholeStart') },
    ];
  });
}

import { attempt, run } from '../lab/command.ts';

/** Two network namespaces with one link between them, and nothing else: a source, and a destination whose ports all refuse. */
export interface NamespacePair {
  readonly source: string;
  readonly destination: string;
  /** The command prefix that runs a program on the source. */
  readonly onSource: readonly string[];
  readonly onDestination: readonly string[];
  /** Makes the destination drop all that comes in. */
  readonly silence: () => Promise<void>;
}

const dropping = `table inet bench {
  chain input {
    type filter hook input priority 0; policy drop;
  }
}
`;

/** Lends a pair of its own to a bench and removes it after. Needs root. */
export async function withNamespacePair<T>(use: (pair: NamespacePair) => Promise<T>): Promise<T> {
  const [near, far] = [`pmb-source-${process.pid}`, `pmb-target-${process.pid}`];
  const [source, destination] = ['10.98.0.1', '10.98.0.2'];
  const onSource = ['ip', 'netns', 'exec', near];
  const onDestination = ['ip', 'netns', 'exec', far];
  try {
    for (const name of [near, far]) await run(['ip', 'netns', 'add', name]);
    await run(['ip', '-n', near, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far]);
    for (const [name, address] of [[near, source] as const, [far, destination] as const]) {
      await run(['ip', '-n', name, '-batch', '-'], { input: `addr add ${address}/24 dev eth0\nlink set eth0 up\nlink set lo up\n` });
    }
    const silence = async (): Promise<void> => void (await run([...onDestination, 'nft', '-f', '-'], { input: dropping }));
    return await use({ source, destination, onSource, onDestination, silence });
  } finally {
    for (const name of [near, far]) await attempt(['ip', 'netns', 'delete', name]);
  }
}

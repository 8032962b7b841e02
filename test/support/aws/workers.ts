/** The workers of an agent: it runs five commands at a time (Mds.CommandWorkersLimit of its configuration). */

const perNode = 5;

/** Work of the nodes, in the order in which it came. */
export interface Workers {
  /** Does some work as soon as its node has a worker for it. */
  readonly work: <Result>(instance: string, task: () => Promise<Result>) => Promise<Result>;
}

/** All workers of all nodes are free. */
export function startWorkers(): Workers {
  const nodes = new Map<string, { busy: number; readonly waiting: (() => void)[] }>();
  return {
    work: async (instance, task) => {
      const node = nodes.get(instance) ?? { busy: 0, waiting: [] };
      nodes.set(instance, node);
      if (node.busy >= perNode) await new Promise<void>((resolve) => node.waiting.push(resolve));
      else node.busy += 1;
      try {
        return await task();
      } finally {
        // The worker goes on with the next one, or is free.
        const next = node.waiting.shift();
        if (next === undefined) node.busy -= 1;
        else next();
      }
    },
  };
}

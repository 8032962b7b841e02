/** Two managed nodes that ask one loopback destination, one of which has something the matter with it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { instanceId } from './aws/clients.ts';
import type { ManagedNode, NodeFault } from './aws/managed-node.ts';
import type { Started, WrittenRule } from './binary.ts';
import { serveTcp } from './loopback.ts';
import { manage, type Managed, type ManagedOptions } from './managed.ts';

export const region = 'eu-central-1';
/** The node that nothing is the matter with, and the other. */
export const [sound, faulty] = [instanceId(1), instanceId(2)];

/** A managed source of an inventory. */
export function host(name: string, address: string, instance: string): Readonly<Record<string, unknown>> {
  return { name, address, roles: ['near'], connector: { ssm: { instance, region } } };
}

/** What is the matter with the second node, and what else is asked. */
export interface SceneOptions extends Partial<ManagedOptions> {
  readonly fault?: NodeFault;
  readonly about?: Partial<ManagedNode>;
  /** All time of the command is over once the first node has answered. */
  readonly expires?: true;
  /** Rules beside the one of the open port. */
  readonly rules?: readonly WrittenRule[];
}

/** Two managed sources ask one loopback destination for a port that is open, and for what a test adds. */
export async function scene(
  t: TestContext,
  options: SceneOptions,
  systemsManager: Readonly<Record<string, unknown>> = {},
): Promise<Managed & { readonly port: number }> {
  const port = await serveTcp(t, (socket) => socket.end());
  const hosts = [host('near1', '127.0.0.2', sound), host('near2', '127.0.0.3', faulty), { name: 'far1', address: '127.0.0.1', roles: ['far'] }];
  const { fault, about = {}, rules = [], ...rest } = options;
  const nodes: readonly ManagedNode[] = [
    { instance: sound, platform: 'Linux' },
    { instance: faulty, platform: 'Linux', ...(fault !== undefined && { fault }), ...about },
  ];
  const managed = await manage(
    t,
    { nodes, clock: 60, ...rest },
    {
      'inventory.yaml': JSON.stringify({ hosts, systemsManager }),
      'mine.yaml': JSON.stringify({
        matrix: 'mine',
        from: 'near',
        to: 'far',
        rules: [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }, ...rules],
      }),
    },
  );
  return { ...managed, port };
}

/** Resolves when the endpoint was called so; rejects with what the product said where it ended before. */
export async function called({ calls }: Managed['endpoint'], operation: string, running?: Started): Promise<void> {
  let said: string | undefined;
  void running?.ended.then(({ stderr }) => (said = stderr));
  while (!calls.some((call) => call.operation === operation)) {
    if (said !== undefined) assert.fail(said);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

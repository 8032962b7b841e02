import type { NamespacePair } from './namespace-pair.ts';
import { Scene } from './scene.ts';

/** The scene of one source and one destination in a pair of namespaces. */
export function twoHosts(pair: NamespacePair, ports: string): Scene {
  const hosts = [
    { name: 'source', address: pair.source, roles: ['client'], node: process.execPath, connector: { exec: pair.onSource } },
    { name: 'target', address: pair.destination, roles: ['dc'] },
  ];
  return new Scene({ hosts }, { ports: [ports], probe: 'tcp' });
}

/** Names to addresses, as the programs of this host would have it: through the system's own resolver, hosts file and search list included. */
import { lookup } from 'node:dns';
import { classifyLookup, type LookupFailure } from './classify.ts';

/** The addresses of a name, each once and in the resolver's order; or why there are none. */
export type Resolution = { readonly addresses: readonly string[] } | LookupFailure;

/** Asks the system's resolver, which cannot be told to stop: whoever cannot wait for it stops listening. */
export function resolveName(name: string): Promise<Resolution> {
  return new Promise((resolve) => {
    lookup(name, { all: true }, (error, found) => {
      if (error === null) resolve({ addresses: [...new Set(found.map(({ address }) => address))] });
      else resolve(classifyLookup(error));
    });
  });
}

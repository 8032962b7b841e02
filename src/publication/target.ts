/** Where a publication goes, and what its documents allow: what the options say, and what an inventory says where they are silent. Pure. */
import { isPolicy, type Policy } from '../../agent/contract/policy.ts';
import { policyOf, usualMinutes } from '../agent-policy.ts';
import { type AwsPlace, nameOf } from '../aws.ts';
import type { Host } from '../host.ts';
import type { Matrix } from '../matrix.ts';
import type { PlanAllowance } from '../plan-allowance.ts';
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';
import { expectRegion } from './location.ts';

/** The places of the managed nodes among these hosts, each once, in their order. */
export function placesOf(hosts: readonly Host[]): readonly AwsPlace[] {
  const places = hosts.flatMap(({ connector }): readonly AwsPlace[] => {
    if (connector.kind !== 'ssm') return [];
    const { region, account } = connector.node;
    return [{ region, ...(account !== undefined && { account }) }];
  });
  return [...new Map(places.map((place) => [nameOf(place), place])).values()];
}

/** The places that are meant: those of an inventory as far as regions and accounts are among the named ones, or, without one, the named Regions. */
export function meantPlaces(
  known: readonly AwsPlace[] | undefined,
  { regions, accounts }: { readonly regions: readonly string[]; readonly accounts: readonly string[] },
): readonly AwsPlace[] {
  if (known === undefined) {
    if (accounts.length > 0) throw new UsageError(`--account ${quote(accounts[0])} is a name of an inventory: expected -i FILE with it`);
    if (regions.length === 0) throw new UsageError('nothing says where to publish: expected -i FILE, with managed nodes in it, or --region');
    for (const region of regions) expectRegion(region);
    return regions.map((region) => ({ region }));
  }
  expectKnown(
    '--region',
    regions,
    known.map(({ region }) => region),
  );
  expectKnown(
    '--account',
    accounts,
    known.flatMap(({ account }) => account ?? []),
  );
  const places = known.filter(
    ({ region, account }) =>
      (regions.length === 0 || regions.includes(region)) && (accounts.length === 0 || (account !== undefined && accounts.includes(account))),
  );
  if (places.length > 0) return places;
  const why = known.length === 0 ? 'the inventory has no managed node' : 'no managed node of the inventory is in that Region and that account';
  throw new UsageError(`nothing says where to publish: ${why}, expected connector: {ssm: {instance: i-…, region: …}}`);
}

/** What the options say of what agents may dial; empty and undefined where they are silent. */
export interface Wish {
  readonly destinations: readonly string[];
  readonly ports: readonly string[];
  readonly minutes: number | undefined;
}

/** The policy: what the options say, else exactly what the plan asks. Without a plan the destinations must be said, and the ports are those of the matrices. */
export function meantPolicy({ destinations, ports, minutes }: Wish, asked: PlanAllowance | undefined, matrices: readonly Matrix[]): Policy {
  const wanted = {
    destinations: destinations.length > 0 ? destinations : (asked?.destinations ?? []),
    ports: ports.length > 0 ? ports : (asked?.ports ?? []),
    minutes: minutes ?? Math.max(usualMinutes, Math.ceil((asked?.endsAfterMs ?? 0) / 60_000)),
  };
  if (wanted.destinations.length === 0) {
    const why = asked === undefined ? 'nothing says what agents may dial' : 'no managed node of the inventory asks a host by its address';
    throw new UsageError(`${why}: expected ${asked === undefined ? '-i FILE, or ' : ''}--allow-destination with networks like 10.0.0.0/8`);
  }
  const policy = policyOf(wanted, matrices);
  const isWhole: boolean = isPolicy(policy);
  if (isWhole) return policy;
  throw new UsageError(
    `${policy.destinations.length} destinations and ${policy.ports.length} port ranges are more than a document holds (1000 of each): expected --allow-destination with networks`,
  );
}

function expectKnown(option: string, named: readonly string[], known: readonly string[]): void {
  const stranger = named.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const all = [...new Set(known)];
  throw new UsageError(
    `${option} ${quote(stranger)} is not where a managed node of the inventory is: expected ${all.length === 0 ? 'none' : `one of ${all.join(', ')}`}`,
  );
}

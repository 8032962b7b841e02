/** The forest as an inventory, and the published matrices with its ports in the place of theirs. */
import { fillHost } from '../host.ts';
import type { Inventory } from '../inventory.ts';
import type { Matrix, Rule } from '../matrix.ts';
import { demoAuthority } from './certificate.ts';
import { demoDomain, mapPort, type SimulatedHost } from './layout.ts';

/** The inventory of the forest. Every host is a source, through an agent on this machine, and the captures are Samba's. */
export function inventoryOf(hosts: readonly SimulatedHost[]): Inventory {
  return {
    file: 'demo',
    domain: demoDomain,
    authorities: demoAuthority,
    hosts: hosts.map(({ name, roles, address }) =>
      fillHost({ name, address, roles: [...new Set([...roles, name])], os: 'samba', connector: 'local' }, {}, demoDomain),
    ),
    links: [],
    except: [],
  };
}

/** The matrices on the forest's ports: one map for everybody; or, where hosts share an address, a matrix for each destination, named after it. */
export function mapMatrices(matrices: readonly Matrix[], hosts: readonly SimulatedHost[], isShared: boolean): readonly Matrix[] {
  const [first] = hosts;
  if (!isShared && first !== undefined) return matrices.map((matrix) => ({ ...matrix, rules: mapRules(matrix.rules, first) }));
  return matrices.flatMap((matrix) => hosts.flatMap((host) => towards(matrix, host)));
}

function mapRules(rules: readonly Rule[], host: SimulatedHost): readonly Rule[] {
  return rules.map((rule) => ({
    ...rule,
    ports: rule.ports.map(({ first, last, transport }) => ({ first: mapPort(host, first), last: mapPort(host, last), transport })),
  }));
}

/** What a matrix asks of one host: its rules for the role that is asked, or, back, those for both directions. */
function towards(matrix: Matrix, host: SimulatedHost): readonly Matrix[] {
  const name = `${matrix.name}-${host.name}`;
  if (matrix.to === undefined) return [];
  if (host.roles.includes(matrix.to)) {
    const rules = matrix.rules.map((rule): Rule => ({ ...rule, direction: 'forward' }));
    return [{ ...matrix, name, to: host.name, rules: mapRules(rules, host) }];
  }
  const back = matrix.rules.filter(({ direction }) => direction === 'both');
  if (!host.roles.some((role) => matrix.from.includes(role)) || back.length === 0) return [];
  const rules = back.map((rule): Rule => ({ ...rule, direction: 'forward', requirement: rule.reverseRequirement }));
  return [{ ...matrix, name, from: [matrix.to], to: host.name, rules: mapRules(rules, host) }];
}

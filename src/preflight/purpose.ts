/** The questions of a purpose: which matrix is asked, what in it decides, and what else is worth a warning. Pure. */
import type { RpcInterface } from '../../agent/contract/probe.ts';
import type { Matrix, Rule } from '../matrix.ts';
import type { Purpose } from './conclusion.ts';

/** Role of the host that a preflight asks from. */
export const sourceRole = 'preflight';

export interface Questions {
  /** Its required rules decide; all others can at most warn. */
  readonly matrix: Matrix;
  /** Ids of the rules that decide nothing here, and that the published matrix requires all the same: their failure is worth telling. */
  readonly noteworthy: ReadonlySet<string>;
}

const titles = {
  'join-windows': 'Domain join from Windows',
  'join-linux': 'Domain join from Linux (adcli, realmd)',
  trust: 'Forest trust, outbound',
  'ad-connector': 'AD Connector',
  promote: 'Promotion to domain controller, outbound',
} as const satisfies Readonly<Record<Purpose, string>>;

/** What is used of the interfaces that a rule names, where it is not all of them: a trust replicates nothing. */
const used: Readonly<Partial<Record<Purpose, readonly RpcInterface[]>>> = { trust: ['netlogon', 'samr', 'lsarpc'] };

/** The questions of a purpose. AD Connector is asked for its published ports alone; a DC to be asks as a DC would, outbound, and so does one that makes a trust. */
export function questionsOf(purpose: Purpose, { clientToDc, dcToDc }: { readonly clientToDc: Matrix; readonly dcToDc: Matrix }): Questions {
  const published = purpose === 'promote' || purpose === 'trust' ? dcToDc : clientToDc;
  const decides = (rule: Rule): boolean => rule.purposes.includes(purpose);
  const asked = purpose === 'ad-connector' ? published.rules.filter(decides) : published.rules;
  const rules = asked.map((rule): Rule => {
    const requirement = decides(rule) ? 'required' : rule.requirement === 'legacy' ? 'legacy' : 'optional';
    const after = rule.after.filter((id) => asked.some((other) => other.id === id));
    const interfaces = rule.interfaces.filter((name) => used[purpose]?.includes(name) ?? true);
    return { ...rule, direction: 'forward', requirement, reverseRequirement: requirement, after, interfaces };
  });
  const noteworthy = asked.filter((rule) => !decides(rule) && rule.requirement === 'required').map(({ id }) => id);
  return { matrix: { ...published, name: purpose, title: titles[purpose], from: [sourceRole], rules }, noteworthy: new Set(noteworthy) };
}

/** How many checks one DC would be asked, beside those of its DNS. */
export function checksPerDc({ rules }: Matrix): number {
  const count = ({ ports, interfaces, sample }: Rule): number =>
    ports.reduce((sum, { first, last, transport }) => {
      const size = last - first + 1;
      return sum + (interfaces.length > 0 ? interfaces.length : transport === 'tcp' ? size : Math.min(size, sample));
    }, 0);
  return rules.filter(({ when }) => !when.includes('dns') && !when.includes('dfsr-2008')).reduce((sum, rule) => sum + count(rule), 0);
}

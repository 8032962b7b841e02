/** The questions of a purpose: which matrix is asked, what in it decides, and what else is worth a warning. Pure. */
import type { RpcInterface } from '../../agent/contract/probe.ts';
import type { Matrix, Rule } from '../matrix.ts';
import type { DomainPurpose } from './conclusion.ts';

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
} as const satisfies Readonly<Record<DomainPurpose, string>>;

/** What is used of the interfaces that a rule names, where it is not all of them: a trust replicates nothing. */
const used: Readonly<Partial<Record<DomainPurpose, readonly RpcInterface[]>>> = { trust: ['netlogon', 'samr', 'lsarpc'] };

/**
 * RPC interfaces that a purpose goes through without, though the published matrix requires them: SYSVOL follows once a promotion is done, and a DC
 * that runs Samba, or still FRS, has no DFSR at all.
 */
const dispensable: Readonly<Partial<Record<DomainPurpose, string>>> = { promote: 'dfsr' };

/** The questions of a purpose. AD Connector is asked for its published ports alone; a DC to be asks as a DC would, outbound, and so does one that makes a trust. */
export function questionsOf(purpose: DomainPurpose, { clientToDc, dcToDc }: { readonly clientToDc: Matrix; readonly dcToDc: Matrix }): Questions {
  const published = purpose === 'promote' || purpose === 'trust' ? dcToDc : clientToDc;
  const decides = (rule: Rule): boolean => rule.purposes.includes(purpose);
  const asked = purpose === 'ad-connector' ? published.rules.filter(decides) : published.rules.flatMap((rule) => apart(rule, dispensable[purpose]));
  const rules = asked.map((rule): Rule => {
    const requirement = decides(rule) ? 'required' : rule.requirement === 'legacy' ? 'legacy' : 'optional';
    const after = rule.after.filter((id) => asked.some((other) => other.id === id));
    const interfaces = rule.interfaces.filter((name) => used[purpose]?.includes(name) ?? true);
    return { ...rule, direction: 'forward', requirement, reverseRequirement: requirement, after, interfaces };
  });
  const noteworthy = asked.filter((rule) => !decides(rule) && rule.requirement === 'required').map(({ id }) => id);
  return { matrix: { ...published, name: purpose, title: titles[purpose], from: [sourceRole], rules }, noteworthy: new Set(noteworthy) };
}

/** The questions to the endpoints of Systems Manager: what it cannot do without decides, and all else is worth telling. */
export function endpointQuestions(published: Matrix): Questions {
  const rules = published.rules.map((rule): Rule => {
    const requirement = rule.purposes.includes('ssm') ? 'required' : 'optional';
    return { ...rule, requirement, reverseRequirement: requirement };
  });
  const matrix = { ...published, name: 'ssm', title: 'Endpoints of Systems Manager', from: [sourceRole], rules };
  return { matrix, noteworthy: new Set(rules.map(({ id }) => id)) };
}

/** The rule, and what it asks of one interface as a rule of its own that decides nothing. */
function apart(rule: Rule, dispensed: string | undefined): readonly Rule[] {
  const taken = rule.interfaces.filter((name) => name === dispensed);
  if (taken.length === 0) return [rule];
  return [
    { ...rule, interfaces: rule.interfaces.filter((name) => name !== dispensed) },
    { ...rule, id: `${rule.id}-${taken.join('-')}`, interfaces: taken, purposes: [] },
  ];
}
/** Features that a located DC may turn out to have, beside its DNS; nobody says more of it. */
const learned: ReadonlySet<string> = new Set(['ldaps', 'gc']);

/** How many checks one DC would be asked, beside those of its DNS. */
export function checksPerDc({ rules }: Matrix): number {
  const count = ({ ports, interfaces, sample }: Rule): number =>
    ports.reduce((sum, { first, last, transport }) => {
      const size = last - first + 1;
      return sum + (interfaces.length > 0 ? interfaces.length : transport === 'tcp' ? size : Math.min(size, sample));
    }, 0);
  return rules.filter(({ when }) => when.every((feature) => learned.has(feature))).reduce((sum, rule) => sum + count(rule), 0);
}

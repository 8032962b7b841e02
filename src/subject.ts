/** What a user wants explained: the rules that a port, a rule's name or the id of a check stands for. */
import { type RpcInterface, rpcInterfaces } from '../agent/contract/probe.ts';
import type { Matrix, PortRange, Rule } from './matrix.ts';
import { overlaps, parsePortRange, portText } from './port-range.ts';
import { quote } from './quotation.ts';
import { nearest } from './suggestion.ts';
import { UsageError } from './usage-error.ts';

/** A matrix with our corrections, and the same as it was published. */
export interface Edition {
  readonly corrected: Matrix;
  readonly published: Matrix;
}

/** A rule, and the part of it that was named. */
export interface Subject {
  readonly matrix: Matrix;
  readonly rule: Rule;
  /** The same row as published; the rule itself where nothing was corrected. */
  readonly published: Rule;
  /** The rule's ports, in so far as they were named. */
  readonly ports: readonly PortRange[];
  /** The hosts of a check, where its id was given. */
  readonly between?: { readonly source: string; readonly destination: string };
  /** The RPC interface of a check, where its id names one. */
  readonly interface?: RpcInterface;
}

/** Every rule that a text stands for: `389`, `389/udp`, `ldap`, `client-to-dc/ldap` or the id of a check. A text that stands for none is a UsageError. */
export function subjectsOf(text: string, editions: readonly Edition[]): readonly Subject[] {
  const subjects = editions.flatMap((edition) =>
    edition.corrected.rules.map((rule): Subject => {
      const published = edition.published.rules.find(({ id }) => id === rule.id) ?? rule;
      return { matrix: edition.corrected, rule, published, ports: rule.ports };
    }),
  );
  if (/^[0-9]+(-[0-9]+)?(\/.*)?$/.test(text)) return ofPort(text, subjects);
  if (text.includes('->')) return [ofCheck(text, subjects)];
  return ofRule(text, subjects);
}

function ofPort(text: string, subjects: readonly Subject[]): readonly Subject[] {
  const wanted = (text.includes('/') ? [text] : [`${text}/tcp`, `${text}/udp`]).map((one) => {
    const range = parsePortRange(one);
    if ('expected' in range) throw new UsageError(`${quote(text)} is no port: expected ${range.expected}, or without a transport`);
    return range;
  });
  // A row that asks with a large packet is explained by its name: the port is explained by its usual question.
  const usual = subjects.filter(({ rule }) => rule.size === undefined);
  const found = usual.flatMap((subject) => {
    const ports = subject.ports.filter((range) => wanted.some((other) => overlaps(range, other)));
    return ports.length === 0 ? [] : [{ ...subject, ports }];
  });
  if (found.length > 0) return found;
  const known = [...new Set(usual.flatMap(({ ports }) => ports.map(portText)))];
  throw new UsageError(`no rule asks port ${quote(text)}, expected one of ${known.join(', ')}`);
}

function ofRule(text: string, subjects: readonly Subject[]): readonly Subject[] {
  const found = subjects.filter(({ matrix, rule }) => rule.id === text || `${matrix.name}/${rule.id}` === text);
  if (found.length > 0) return found;
  throw stranger(text, subjects);
}

function ofCheck(text: string, subjects: readonly Subject[]): Subject {
  const [, matrix, rule, source = '', destination = '', port = '', name] =
    /^([^/]+)\/([^/]+)\/([A-Za-z0-9._-]+)->([A-Za-z0-9._-]+):([0-9-]+\/(?:tcp|udp))(?:#(.+))?$/.exec(text) ?? [];
  if (matrix === undefined || rule === undefined)
    throw new UsageError(`${quote(text)} is no id of a check: expected one like client-to-dc/ldap/client1->dc1:389/tcp`);
  const [subject] = ofRule(`${matrix}/${rule}`, subjects);
  const wanted = parsePortRange(port);
  const between = { source, destination };
  // An id may come from a run with --as-published.
  for (const edition of subject === undefined ? [] : [subject.rule, subject.published]) {
    const range = 'expected' in wanted ? undefined : edition.ports.find((one) => overlaps(one, wanted));
    const asked = rpcInterfaces.find((one) => one === name && edition.interfaces.includes(one));
    if (subject === undefined || range === undefined || 'expected' in wanted || (name !== undefined && asked === undefined)) continue;
    return { ...subject, rule: edition, ports: [wanted], between, ...(asked !== undefined && { interface: asked }) };
  }
  const ports = (subject?.rule.ports ?? []).map(portText).join(', ');
  const interfaces = subject?.rule.interfaces ?? [];
  const withInterface = interfaces.length === 0 ? '' : `, with one of ${interfaces.map((one) => `#${one}`).join(', ')}`;
  throw new UsageError(
    `${matrix}/${rule} makes no check ${quote(`${port}${name === undefined ? '' : `#${name}`}`)}: expected ${ports}${withInterface}`,
  );
}

function stranger(text: string, subjects: readonly Subject[]): UsageError {
  if (subjects.some(({ matrix }) => matrix.name === text))
    return new UsageError(
      `${quote(text)} is a whole matrix (portmatrix matrix show ${text}): expected one of its rules, a port or the id of a check`,
    );
  const rules = [...new Set(subjects.map(({ rule }) => rule.id))];
  const meant = nearest(text, [...rules, ...subjects.map(({ matrix, rule }) => `${matrix.name}/${rule.id}`)]);
  const hint = meant === undefined ? '' : ` (did you mean ${quote(meant)}?)`;
  return new UsageError(
    `there is nothing ${quote(text)} to explain${hint}: expected a port like 389/udp, the id of a check, or a rule: ${rules.join(', ')}`,
  );
}

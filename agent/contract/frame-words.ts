/**
 * The words of a frame: JSON values, each written once, without what the reader knows or can hold shorter. What the job tells of a check (names, addresses, the
 * port) is one character, and long runs of hex digits are bytes. The characters that stand for them are control characters, which JSON never holds itself.
 */
import type { Check } from './check.ts';
import type { Job } from './job.ts';
import { Octets, writeNumbers } from './octets.ts';

/** What stands for what in the words of one check. */
export interface Glossary {
  readonly entries: readonly (readonly [token: string, text: string])[];
  /** The JSON of the check's port. */
  readonly port: string;
}

const portToken = '\u000e';
const learnedToken = '\u000f';
const hexToken = '\u0010';
const guidToken = '\u0011';

const hexRuns = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?:[0-9a-f]{2}){16,}/g;
const hexTokens = new RegExp(`[${hexToken}${guidToken}]`, 'g');
const guidBytes = 16;

/** Makes the function that gives the glossary of a check; checks of one pair share most of it. */
export function glossaries(job: Job): (check: Check) => Glossary {
  const hosts = new Map(job.hosts.map((host) => [host.name, host]));
  const known = new Map<string, Glossary['entries']>();
  return ({ source, destination, address, port }) => {
    const entries = known.get(destination) ?? entriesOf(hosts.get(destination), hosts.get(source)?.address ?? '', address);
    known.set(destination, entries);
    return { entries, port: JSON.stringify(port) };
  };
}

function entriesOf(host: Job['hosts'][number] | undefined, source: string, address: string): Glossary['entries'] {
  const { dnsName = '', domain = '' } = host ?? {};
  const label = dnsName.split('.')[0] ?? '';
  const list: readonly (readonly [string, string])[] = [
    ['\u0001', dnsName],
    ['\u0002', dnsName.toUpperCase()],
    ['\u0003', domain],
    ['\u0004', domain.toUpperCase()],
    ['\u0005', label.toUpperCase()],
    ['\u0006', address],
    ['\u0007', source],
  ];
  // A text with control characters could be taken for a token of another.
  return list.filter(([, text]) => /^[^\p{Cc}]{3,}$/u.test(text)).toSorted(([, one], [, other]) => other.length - one.length);
}

/** The JSON with tokens for what is in the glossary. `learned` is the JSON of the port that was dialled in the end, where it is known by then. */
export function shorten(json: string, { entries, port }: Glossary, learned: string | undefined): string {
  if (json === port) return portToken;
  if (json === learned) return learnedToken;
  return entries.reduce((text, [token, plain]) => text.replaceAll(plain, token), json);
}

/** The JSON that was shortened. */
export function lengthen(text: string, { entries, port }: Glossary, learned: string | undefined): string {
  if (text === portToken) return port;
  if (text === learnedToken && learned !== undefined) return learned;
  return entries.reduce((json, [token, plain]) => json.replaceAll(token, () => plain), text);
}

/** The words of a frame that is being packed, in the order in which they came up. */
export class Words {
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #hex: Buffer[] = [];

  /** Refers to the values of a column: 0 for the one before, 1 for a new word, and from 2 on the known ones. */
  refer(column: readonly string[]): readonly number[] {
    let before: string | undefined;
    return column.map((text) => {
      const id = this.#ids.get(text);
      if (id === undefined) this.#add(text);
      const reference = text === before ? 0 : id === undefined ? 1 : id + 2;
      before = text;
      return reference;
    });
  }

  /** Their texts, and what was hex in them. */
  sections(): readonly [texts: Buffer, hex: Buffer] {
    return [Buffer.from(this.#texts.join('\n')), Buffer.concat(this.#hex)];
  }

  #add(text: string): void {
    this.#ids.set(text, this.#ids.size);
    this.#texts.push(
      text.replaceAll(hexRuns, (digits) => {
        const bytes = Buffer.from(digits.replaceAll('-', ''), 'hex');
        const isGuid = digits.includes('-');
        this.#hex.push(...(isGuid ? [] : [writeNumbers([bytes.length])]), bytes);
        return isGuid ? guidToken : hexToken;
      }),
    );
  }
}

/** The words in the sections of a frame. Throws where the hex digits are not all there. */
export function wordsOf(texts: Buffer, hex: Buffer): readonly string[] {
  const octets = new Octets(hex);
  return texts
    .toString()
    .split('\n')
    .map((text) =>
      text.replaceAll(hexTokens, (token) => {
        const digits = octets.take(token === guidToken ? guidBytes : octets.number()).toString('hex');
        return token === guidToken ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : digits;
      }),
    );
}

/** Turns the references to one column's values back into them. `told` is how many words were told before, in this frame. Throws where there is no such word. */
export function valuesOf(references: readonly number[], words: readonly string[], told: { count: number }): readonly string[] {
  let before: string | undefined;
  return references.map((reference) => {
    if (reference === 1) told.count += 1;
    const word = reference === 0 ? before : words[reference === 1 ? told.count - 1 : reference - 2];
    if (word === undefined) throw new RangeError('a word that is not there');
    before = word;
    return word;
  });
}

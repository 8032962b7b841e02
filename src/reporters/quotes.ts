/** What a peer or a user named, as sentences hold it: cut, made harmless, and in quotes where it is not a word of ours. */
import { list, plain } from './text.ts';

/** One word or phrase, without quotes, of at most 120 characters. */
export function word(text: string): string {
  return plain(text, 120);
}

/** The text in double quotes, of at most `longest` characters. */
export function quote(text: string, longest = 80): string {
  return `"${plain(text, longest)}"`;
}

/** Up to five or six texts, and how many more there are of `total`. */
export function quotes(texts: readonly string[], total = texts.length): string {
  const most = 5;
  const quoted = texts.map((text) => quote(text));
  return total === texts.length ? list(quoted, most) : `${quoted.slice(0, most).join(', ')} and ${total - Math.min(most, quoted.length)} more`;
}

/** Texts in quotes, or `none` where there are none. */
export function namesOrNone(names: readonly string[]): string {
  return names.length === 0 ? 'none' : quotes(names);
}

/** Milliseconds as seconds with one decimal: `70.0 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

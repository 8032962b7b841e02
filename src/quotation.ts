/** Values from files, as error messages show them. */

const mostCharacters = 60;

// What a terminal would act on or not show at all: controls (JSON escapes only some of them), zero-width and bidirectional marks, line separators.
const invisible = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** A value on one line: text in double quotes, cut to 60 characters, control characters escaped; collections in words. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return escapeInvisible(JSON.stringify(cut(value, mostCharacters)));
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const keys = Object.keys(value ?? {});
  return keys.length === 0 ? 'an empty mapping' : `a mapping with ${bare(keys.join(', '))}`;
}

/** Text on one line without quotes, cut to so many characters, control characters escaped. */
export function bare(text: string, characters: number = mostCharacters): string {
  return escapeInvisible(cut(text, characters).toWellFormed());
}

function cut(text: string, longest: number): string {
  // Never half of a character that takes two units.
  return text.length > longest ? `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

function escapeInvisible(text: string): string {
  return text.replace(invisible, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Text that came from elsewhere, made harmless: names, messages and whatever a peer sent. */

// Controls, formats (among them the direction overrides), lone surrogates, line and paragraph separators, and code points that mean nothing.
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Cn}]/gu;
const anyHidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Cn}]/u;
const outsideAscii = /[^ -~]/gu;

/**
 * The text on one line, cut to `longest` UTF-16 units, with everything that a terminal, an XML parser or an eye would stumble over shown as `\u{1b}`.
 * Text that is already plain comes back as it is.
 */
export function plain(text: string, longest = 256): string {
  if (text.length <= longest && !anyHidden.test(text)) return text;
  // Cutting first keeps the work bounded, whatever a peer sent.
  const visible = cut(text, longest + 1)
    .replace(/[\t\r\n]+/g, ' ')
    .replace(hidden, escaped);
  return text.length > longest || visible.length > longest ? `${cut(visible, longest - 1)}…` : visible;
}

/** The text in ASCII alone: our arrows and ellipses in their plain form, all else as `\u{e9}`. */
export function toAscii(text: string): string {
  return text.replaceAll('→', '->').replaceAll('…', '...').replace(outsideAscii, escaped);
}

/** The text in lines of at most `width` characters, broken at spaces; a longer word stays whole, so that an id can be copied. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line.trimEnd());
      line = word;
    }
  }
  lines.push(line.trimEnd());
  return lines;
}

/** `dc1, dc2, dc3 and 12 more`: at most `most` items by name. */
export function list(items: readonly string[], most: number): string {
  // One item too many is shown rather than counted: its name is hardly longer than the count.
  if (items.length <= most + 1) return items.join(', ');
  return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}

/** `1 check`, `2 checks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** The first `length` units, and never half a character. */
function cut(text: string, length: number): string {
  const head = text.slice(0, length);
  return head.length < text.length ? head.replace(/[\ud800-\udbff]$/, '') : head;
}

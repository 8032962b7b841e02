/** The marks and colours of text for people. */
import picocolors from 'picocolors';
import type { VerdictStatus } from '../verdict.ts';
import type { Presentation } from './reporter.ts';
import { plain, toAscii } from './text.ts';

/** How text for people is written on one terminal. */
export interface Glyphs {
  readonly marks: Readonly<Record<VerdictStatus, string>>;
  readonly line: string;
  /** Any text as this terminal can show it: harmless, on one line, at most `longest` characters, ASCII where that is all there is. */
  readonly show: (text: string, longest?: number) => string;
  /** The text in the colour of a verdict; unchanged without colours. */
  readonly paint: (status: VerdictStatus, text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** The marks for a terminal. */
export function glyphs({ colour = false, ascii = false }: Presentation): Glyphs {
  const colours = picocolors.createColors(colour);
  const paints = {
    pass: colours.green,
    fail: colours.red,
    warn: colours.yellow,
    inconclusive: colours.magenta,
    error: colours.red,
    skip: colours.dim,
  } as const satisfies Readonly<Record<VerdictStatus, (text: string) => string>>;
  return {
    marks: ascii ? asciiMarks : marks,
    line: ascii ? '-' : '─',
    show: (text, longest = 400) => (ascii ? toAscii(plain(text, longest)) : plain(text, longest)),
    paint: (status, text) => paints[status](text),
    strong: colours.bold,
    faint: colours.dim,
  };
}

const marks = { pass: '✓', fail: '✗', warn: '!', inconclusive: '?', error: 'E', skip: '-' } as const satisfies Readonly<
  Record<VerdictStatus, string>
>;
const asciiMarks = { ...marks, pass: '.', fail: 'X' } as const;

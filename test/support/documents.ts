/** What the project's documents hold for machines: fenced blocks, commands in running text, and links, each with its place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './binary.ts';

/** Every document that a user or an engineer is meant to read, in the order in which they are. */
export const documents = ['README.md', 'reports/README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'] as const;

/** A fenced block. `place` is `file:line` of its first line of content. */
export interface Block {
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

/** The text of a document. */
export function textOf(document: string): string {
  return readFileSync(join(checkout, document), 'utf8');
}

/** The fenced blocks of a document. */
export function blocksOf(document: string): readonly Block[] {
  const text = textOf(document);
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: content = '', index }) => ({
    place: `${document}:${text.slice(0, index).split('\n').length + 1}`,
    language,
    text: content,
  }));
}

/** Commands that stand in running text, between back-ticks. */
export function commandsInText(document: string): readonly { readonly place: string; readonly command: string }[] {
  const text = withoutBlocks(textOf(document));
  return [...text.matchAll(/`((?:portmatrix|npm|npx|node) [^`]+)`/g)].map(({ 1: command = '', index }) => ({
    place: `${document}:${text.slice(0, index).split('\n').length}`,
    command,
  }));
}

/** Where the links of a document lead, as they are written. */
export function linksOf(document: string): readonly string[] {
  return [...withoutBlocks(textOf(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** The anchors of a document's headings, as the usual viewers make them. */
export function anchorsOf(document: string): readonly string[] {
  return [...withoutBlocks(textOf(document)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** The commands of a block of shell lines, without comments; a line that ends in a backslash goes on in the next. */
export function commandsIn({ text }: Pick<Block, 'text'>): readonly string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** The text with its blocks blanked, line for line. */
function withoutBlocks(text: string): string {
  return text.replace(/^```.*?^```$/gms, (block) => block.replaceAll(/[^\n]/g, ''));
}

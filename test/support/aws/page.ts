/** Pages of a list, with a token that says where the next one starts. */
import { Refusal } from './refusal.ts';

/** One page, and the token of the next one unless it was the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

/** The page of a list that a token names, the first one without. A token that nobody gave is InvalidNextToken. */
export function pageOf<Item>(items: readonly Item[], size: number, token: string | undefined): Page<Item> {
  const start = token === undefined || token === '' ? 0 : offsetOf(token);
  const end = start + size;
  return { items: items.slice(start, end), ...(end < items.length ? { next: tokenOf(end) } : {}) };
}

function tokenOf(offset: number): string {
  return Buffer.from(`from ${offset}`).toString('base64');
}

function offsetOf(token: string): number {
  const offset = /^from (\d+)$/.exec(Buffer.from(token, 'base64').toString())?.[1];
  if (offset === undefined) throw new Refusal('InvalidNextToken', 'The specified token is not valid.');
  return Number(offset);
}

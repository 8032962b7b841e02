/** XML of answers. */

/** A value that is a text, or elements in order; a list repeats its element. */
export type Markup = string | number | boolean | { readonly [name: string]: Markup | readonly Markup[] | undefined };

/** Elements as text; what is undefined is left out. */
export function writeMarkup(value: Markup): string {
  if (typeof value !== 'object') return escapeText(String(value));
  return Object.entries(value)
    .flatMap(([name, content]) => (isList(content) ? content : [content]).map((one) => [name, one] as const))
    .map(([name, content]) => (content === undefined ? '' : `<${name}>${writeMarkup(content)}</${name.split(' ')[0] ?? name}>`))
    .join('');
}

function isList(value: Markup | readonly Markup[] | undefined): value is readonly Markup[] {
  return Array.isArray(value);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

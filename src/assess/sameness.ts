/** When two names mean the same. */

/** DNS and NetBIOS names know no case, and a final dot says nothing. */
export function isSameText(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** A bare name can only be compared with the first label of the other. */
export function isSameName(one: string, other: string): boolean {
  const areFull = [one, other].every((name) => canonical(name).includes('.'));
  return areFull ? isSameText(one, other) : isSameText(firstLabel(one), firstLabel(other));
}

/** The names for which `isSameName` finds none among the others. A domain of hundreds of DCs lists each of them in each answer, so nothing is compared pair by pair. */
export function lacking(names: readonly string[], others: readonly string[]): readonly string[] {
  const known = others.map(canonical);
  const whole = new Set(known);
  const labels = new Set(known.map(firstLabel));
  const isKnown = (name: string): boolean => (name.includes('.') ? whole.has(name) || whole.has(firstLabel(name)) : labels.has(name));
  return names.filter((name) => !isKnown(canonical(name)));
}

/** The host part of a DNS name. */
export function firstLabel(name: string): string {
  return name.split('.', 1)[0] ?? name;
}

/** The text, where it tells anything. */
export function told(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

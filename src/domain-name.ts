/** Names of AD domains. */

/** True for a DNS name in lower case that leaves room for what stands before it when DCs are looked for (it takes its part of the 253 characters). */
export function isDomainName(text: string): boolean {
  return /^(?!.{201})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(text);
}

/** The DNS domains that this host completes names with: likely the AD domain that it is in, or is about to be. */
import { isDomainName } from './domain-name.ts';

/** What a host says of itself. */
export interface Settings {
  /** Text of resolv.conf; empty where there is none. */
  readonly resolvConf: string;
  /** The user's AD domain, as Windows names it in USERDNSDOMAIN. */
  readonly userDomain?: string | undefined;
  readonly hostname: string;
}

/** More are not asked about: each may take as long as silent resolvers take. */
const most = 3;

/** The domains, the likeliest first, at most three; empty when the host has none. */
export function searchDomains({ resolvConf, userDomain, hostname }: Settings): readonly string[] {
  // The last of these lines is the one that counts (resolv.conf(5)).
  const [, listed = ''] = [...resolvConf.matchAll(/^[ \t]*(?:search|domain)[ \t]+(.*)$/gm)].at(-1) ?? [];
  const own = hostname.includes('.') ? hostname.slice(hostname.indexOf('.') + 1) : '';
  const names = [userDomain ?? '', ...listed.split(/[ \t]+/), own].map((name) => name.toLowerCase().replace(/\.$/, ''));
  return [...new Set(names)].filter(isDomainName).slice(0, most);
}

/**
 * Which way this host's environment tells programs to take to an HTTPS endpoint. The rules are curl's:
 *
 * 1. The proxy is that of `https_proxy`, `HTTPS_PROXY`, `all_proxy` or `ALL_PROXY`, the first that is set; an empty one means no proxy.
 * 2. `no_proxy`, or else `NO_PROXY`, lists names that are reached directly, between commas or spaces: a name stands for itself and all names under it,
 *    with or without a leading dot, whatever the case; `*` stands for all. Addresses and networks in it concern no name.
 *
 * Two things are left to others. A user and a password in the proxy's URL are never sent; and a URL without a port is refused, since curl would take 1080
 * there and others 80.
 */

/** Variables of a process by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy that speaks plain HTTP. `withheld`: its URL has credentials, which are not sent. */
export interface Proxy {
  readonly kind: 'proxy';
  readonly host: string;
  readonly port: number;
  readonly withheld: boolean;
}

/** The way to an endpoint. `unusable`: there is a proxy that this agent cannot speak to, with the reason and without the URL, which may hold a password. */
export type Way = { readonly kind: 'direct' } | Proxy | { readonly kind: 'unusable'; readonly why: string };

const direct: Way = { kind: 'direct' };

/** The way to the HTTPS endpoint of that name. */
export function wayTo(name: string, environment: Environment): Way {
  const variable = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].find((candidate) => environment[candidate] !== undefined);
  const url = variable === undefined ? '' : (environment[variable]?.trim() ?? '');
  if (variable === undefined || url === '' || isExempt(name, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')) return direct;
  const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:(.*)@)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(?:\/.*)?$/i.exec(url);
  if (parts === null) return { kind: 'unusable', why: `${variable} is not the URL of a proxy` };
  const [, scheme = 'http', credentials, host = '', port] = parts;
  if (scheme.toLowerCase() !== 'http')
    return { kind: 'unusable', why: `${variable} names a proxy that speaks ${scheme.toLowerCase()}, and only http is spoken here` };
  if (port === undefined)
    return { kind: 'unusable', why: `${variable} names the proxy ${host} without a port, and programs disagree on which one that means` };
  const number = Number(port);
  if (number < 1 || number > 65_535) return { kind: 'unusable', why: `${variable} names a port that does not exist` };
  return { kind: 'proxy', host: host.replace(/^\[|\]$/g, '').toLowerCase(), port: number, withheld: credentials !== undefined };
}

function isExempt(name: string, list: string): boolean {
  const entries = list
    .split(/[\s,]+/)
    .map(bare)
    .filter((entry) => entry !== '');
  return entries.some((entry) => entry === '*' || bare(name) === entry || bare(name).endsWith(`.${entry}`));
}

/** A name without its case and without dots around it. */
function bare(name: string): string {
  return name.toLowerCase().replace(/^\.+|\.$/g, '');
}

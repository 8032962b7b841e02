/** What a server's time stamp says about its clock. */

/**
 * How far a server's clock is ahead of ours, and how wrong that may be: `serverTime - (sent + received) / 2`, plus or minus half the round trip and the
 * clock's resolution. All arguments in epoch milliseconds, the results whole milliseconds. Nothing where our own clock was set back meanwhile.
 */
export function clockFacts(
  serverTime: number,
  sent: number,
  received: number,
  resolutionMs: number,
): { readonly clockOffsetMs?: number; readonly clockUncertaintyMs?: number } {
  if (received < sent) return {};
  return {
    clockOffsetMs: Math.round(serverTime - (sent + received) / 2),
    clockUncertaintyMs: Math.ceil((received - sent) / 2 + resolutionMs),
  };
}

/** Epoch milliseconds of a GeneralizedTime in UTC, whole seconds or with a fraction, as Kerberos and LDAP write it (X.680 §46); undefined for anything else. */
export function readGeneralizedTime(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,6})?Z$/.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction] = parts;
  const seconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(seconds) ? undefined : seconds + Math.round(Number(fraction ?? 0) * 1000);
}

/** Captured answers as another host would give them, now: the host's name and every clock in them are patched, and nothing else. */
import { type Captures, captures } from './captures.ts';

/** Seconds from 1900 (NTP) and from 1601 (FILETIME) to 1970. */
const ntpEpoch = 2_208_988_800;
const fileTimeEpoch = 11_644_473_600n;

/** Where NTP and SMB answers have their clocks. */
const ntpTimes = [16, 32, 40];
const smbTime = 108;

/** The captures, which dc1 gave in November 2026, as the DC `name` gives them at `now` (milliseconds since 1970). DNS and Kerberos name whom they are asked for. */
export function retell(name: string, now: number): Captures {
  const told = (capture: Buffer): Buffer => withName(withTime(capture, now), name);
  const time = Buffer.from(captures.time);
  for (const offset of ntpTimes) {
    time.writeUInt32BE((Math.floor(now / 1_000) + ntpEpoch) % 2 ** 32, offset);
    time.writeUInt32BE(Math.floor(((now % 1_000) / 1_000) * 2 ** 32), offset + 4);
  }
  const smb2 = told(captures.smb2);
  smb2.writeBigUInt64LE((BigInt(now) + fileTimeEpoch * 1_000n) * 10_000n, smbTime);
  return {
    ...captures,
    ping: told(captures.ping),
    rootDse: told(captures.rootDse),
    wholeRootDse: told(captures.wholeRootDse),
    preAuthentication: withTime(captures.preAuthentication, now),
    unknownClient: withTime(captures.unknownClient, now),
    changeRefused: withTime(captures.changeRefused, now),
    nodeStatus: told(captures.nodeStatus),
    mailslot: told(captures.mailslot),
    time,
    smb2,
  };
}

/** The same bytes with another name of the same length in the place of dc1's. */
export function withName(capture: Buffer, name: string): Buffer {
  return replaced(capture, /dc1|DC1/g, (found) => (found === 'dc1' ? name.toLowerCase() : name.toUpperCase()));
}

/** GeneralizedTime, as Kerberos and LDAP write it. */
function withTime(capture: Buffer, now: number): Buffer {
  const digits = new Date(now).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return replaced(capture, /20261122\d{6}/g, () => digits);
}

function replaced(capture: Buffer, pattern: RegExp, by: (found: string) => string): Buffer {
  const copy = Buffer.from(capture.toString('latin1').replaceAll(pattern, by), 'latin1');
  if (copy.length !== capture.length) throw new Error('demo: a patch changed the length of a captured answer');
  return copy;
}

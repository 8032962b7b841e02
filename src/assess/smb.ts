/** What an SMB server agrees to. */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';

/** Rules for the answer to an SMB2 NEGOTIATE. */
export const smbRules: readonly Rule[] = [negotiation, signing, dialect];

/** STATUS_NOT_SUPPORTED: it speaks SMB2, and none of the dialects that we offered ([MS-SMB2] 3.3.5.4). */
const notSupported = '0xc00000bb';

function negotiation({ facts: { smbRefusal: status } }: Answer): Assessed | undefined {
  if (status === undefined) return undefined;
  const finding = { code: 'negotiation-refused', status } as const;
  return status === notSupported ? warn(finding) : fail(finding);
}

/** Dialects before encryption and secure negotiation ([MS-SMB2] 1.7). */
const oldDialects: ReadonlySet<string> = new Set(['1', '2.0.2', '2.1']);

function signing({ facts }: Answer): Assessed | undefined {
  return facts.signingRequired === false ? warn({ code: 'signing-not-required' }) : undefined;
}

function dialect({ facts }: Answer): Assessed | undefined {
  return facts.dialect !== undefined && oldDialects.has(facts.dialect) ? warn({ code: 'dialect-old', dialect: facts.dialect }) : undefined;
}

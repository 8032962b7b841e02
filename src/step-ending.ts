/** How a run step ended. A PowerShell that may not run the script at all gives no code of ours, and is told by what it says. */
import { type StepExit, stepExit, type stepExits } from '../agent/contract/step-exit.ts';
import { type Platform, platforms } from './document-literal.ts';

/** What Windows PowerShell 5.1 says where it refuses a script as a whole (exit code 1): identifiers, which are the same in every language. */
const refusals = [
  { code: 16, words: /PSSecurityException|about_Execution_Policies|UnauthorizedAccess/ },
  { code: 18, words: /ScriptContainedMaliciousContent|ScriptHasAdminBlockedContent/ },
  { code: 17, words: /ScriptsNotAllowed|NotSupportedInDataSection|LanguageMode|ConstrainedLanguage/ },
] as const;

/** What a user can do about each of them. */
const remedies = {
  10: 'publish its package, or put what is in it into the offline folder of the host',
  11: 'the next run fetches it anew; where that ends the same way, publish the package again',
  12: 'the next run fetches it anew; where that ends the same way, publish the package again',
  13: 'look whether the host may read the package and gets through to S3, or put what is in it into its offline folder',
  14: 'make room on the host',
  15: 'ask from another host',
  16: 'let scripts run there, or ask from another host',
  17: 'let the host run PowerShell in the full or the constrained language mode, or ask from another host',
  18: 'allow the runtime there by its hash, which agent build prints',
  19: 'run again; where it ends the same way, look whether the host has too little memory',
  20: 'publish the document of this version of portmatrix',
  21: 'it is a bug of portmatrix: please report it',
  22: 'update it, or use the document whose package brings its own',
} as const satisfies Readonly<Record<Exclude<keyof typeof stepExits, 0>, string>>;

/** What to do about a step that ended with this code; undefined for one that is none of ours. */
export function remedyFor(code: number): string | undefined {
  const table: Readonly<Record<number, string>> = remedies;
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

/** The exit of the table that an exit code and the step's stderr stand for; undefined for what is none of ours. */
export function readStepEnding(code: number, stderr: string): (StepExit & { readonly code: number }) | undefined {
  // Its messages are folded at the width of a console that nobody sees.
  const said = stderr.replaceAll(/\s+/g, '');
  const meant = code === 1 ? refusals.find(({ words }) => words.test(said))?.code : code;
  const exit = meant === undefined ? undefined : stepExit(meant);
  return meant === undefined || exit === undefined ? undefined : { ...exit, code: meant };
}

/** The package that a host which ended with `runtime-missing` has to be sent: its step says on stderr which platform it is. */
export function missingPackage(stderr: string): Platform | undefined {
  const [, named] = /^portmatrix: runtime-missing: (\S+) is not in /m.exec(stderr) ?? [];
  return platforms.find((platform) => platform === named);
}

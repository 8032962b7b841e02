/** How a run step ended. A PowerShell that may not run the script at all gives no code of ours, and is told by what it says. */
import { type StepExit, stepExit } from '../agent/contract/step-exit.ts';
import { type Platform, platforms } from './document-literal.ts';

/** What Windows PowerShell 5.1 says where it refuses a script as a whole (exit code 1): identifiers, which are the same in every language. */
const refusals = [
  { code: 16, words: /PSSecurityException|about_Execution_Policies|UnauthorizedAccess/ },
  { code: 18, words: /ScriptContainedMaliciousContent|ScriptHasAdminBlockedContent/ },
  { code: 17, words: /ScriptsNotAllowed|NotSupportedInDataSection|LanguageMode|ConstrainedLanguage/ },
] as const;

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

/** `portmatrix completion`: a script that teaches a shell what may follow, and the answers to what that script asks. */
import { basename } from 'node:path';
import type { Argv } from 'yargs';
import { publishedMatrices } from '../matrix.ts';
import type { ExitCode, Terminal } from './command.ts';

/** What the scripts ask with: the line so far follows, from the program's name to the word under the cursor. yargs knows it too. */
export const question = '--get-yargs-completions';

const bash = `# What may follow portmatrix, for bash 3.2 or newer.
_portmatrix() {
  local IFS=$'\\n'
  COMPREPLY=($("$1" ${question} "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null))
}
complete -o bashdefault -o default -F _portmatrix portmatrix
`;

const zsh = `#compdef portmatrix
# What may follow portmatrix, for zsh, after compinit.
_portmatrix() {
  local -a found
  found=("\${(@f)$("\${words[1]}" ${question} "\${(@)words[1,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [[ "\${zsh_eval_context[-1]}" == loadautofunc ]]; then _portmatrix "$@"; else compdef _portmatrix portmatrix; fi
`;

const scripts = { bash, zsh } as const;
type Shell = keyof typeof scripts;
const shells: readonly Shell[] = ['bash', 'zsh'];

export function describeCompletion(argv: Argv) {
  return argv
    .positional('shell', { choices: shells, describe: 'whose script', defaultDescription: 'that of $SHELL, else bash' })
    .example('source <($0 completion bash)', 'in ~/.bashrc: commands, options, their values and matrices complete with Tab')
    .example('source <($0 completion zsh)', 'in ~/.zshrc, after compinit')
    .example('$0 completion zsh > ~/.zfunc/_portmatrix', 'as a file in a folder of $fpath')
    .epilogue('Exit codes: 0 the script is on stdout; 2 wrong usage.');
}

/** Prints the script of the shell that is named, or of the user's own. */
export async function completionCommand(options: { readonly shell?: Shell | undefined }, terminal: Terminal): Promise<ExitCode> {
  const own = shells.find((shell) => shell === basename(process.env['SHELL'] ?? ''));
  await terminal.out(scripts[options.shell ?? own ?? 'bash']);
  return 0;
}

const takesMatrix: ReadonlySet<string> = new Set(['-m', '--matrix']);
const takesFile: ReadonlySet<string> = new Set(['-i', '--inventory', '--out', '--config']);

/** The words as the user sees them, where they are a script's question: bash makes a word of its own of each "=". */
export function straighten(words: readonly string[]): readonly string[] {
  if (words[0] !== question) return words;
  return words.filter((word, index) => word !== '=' || index === words.length - 1).map((word) => (word === '=' ? '' : word));
}

/** The words that may stand in the place of the line's last one; none where the shell may offer files. `known` is what yargs says of that line. */
export function propose([, ...line]: readonly string[], known: readonly string[]): readonly string[] {
  const current = line.at(-1) ?? '';
  const before = line.at(-2) ?? '';
  const [, command, next] = line;
  const isValue = !current.startsWith('-') && !before.startsWith('-');
  if (takesFile.has(before) || ((command === 'report' || command === 'resume') && line.length > 2 && isValue)) return [];
  const isMatrix = takesMatrix.has(before) || (command === 'matrix' && next === 'show' && line.length > 3 && isValue);
  // Where yargs takes the user's shell for zsh or fish, it describes each word; and it gives one letter two dashes.
  const bare = known.map((word) => word.replace(/[:\t].*$/, '')).filter((word) => !/^--.$/.test(word));
  const fitting = [...new Set(isMatrix ? publishedMatrices() : bare)].filter((word) => word !== '' && word.startsWith(current));
  const words = fitting.filter((word) => !word.startsWith('-'));
  return words.length > 0 ? words : fitting;
}

/** A terminal that keeps what a command says, for commands that run in the process of their test. */
import type { Terminal } from '../../src/commands/command.ts';

/** What a command sees as its terminal, and what it has said so far. */
export interface Captured extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** A terminal without colours whose folder is `cwd`. */
export function captured(cwd: string): Captured {
  const said = { stdout: '', stderr: '' };
  return {
    out: async (text) => void (said.stdout += text),
    err: (text) => void (said.stderr += text),
    cwd,
    colour: false,
    ascii: false,
    version: '0.0.0',
    stop: new AbortController().signal,
    emergency: new AbortController().signal,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
  };
}

/** `--help` of every command that there is. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext, test } from 'node:test';
import { agentCommandNames, commandNames, matrixCommandNames } from '../../src/commands/grammar.ts';
import { bin, portmatrix, runCommand } from '../support/binary.ts';

/** The commands that a help text lists, without the words that they take. */
function commandsIn(help: string, before: string): readonly string[] {
  const [, section = ''] = /^Commands:\n((?: .*\n)+)/m.exec(help) ?? [];
  return [...section.matchAll(new RegExp(`^  portmatrix ${before}([a-z]+)`, 'gm'))].map(([, name = '']) => name);
}

test('help lists the commands that suggestions are made from, and no others', async (t) => {
  const [all, matrix, agent] = await Promise.all([[], ['matrix'], ['agent']].map((words) => portmatrix(t, [...words, '--help'])));
  assert.deepEqual(commandsIn(all?.stdout ?? '', ''), [...commandNames]);
  assert.deepEqual(commandsIn(matrix?.stdout ?? '', 'matrix '), [...matrixCommandNames]);
  assert.deepEqual(commandsIn(agent?.stdout ?? '', 'agent '), [...agentCommandNames]);
});

const commands = [
  [],
  ...commandNames.map((name) => [name]),
  ...matrixCommandNames.map((name) => ['matrix', name]),
  ...agentCommandNames.map((name) => ['agent', name]),
];

/** The command's help on a terminal of 80 columns. */
function onTerminal(t: TestContext, words: readonly string[]): ReturnType<typeof runCommand> {
  const line = `stty cols 80; exec ${[process.execPath, bin, ...words, '--help'].map((word) => `'${word}'`).join(' ')}`;
  return runCommand(t, ['script', '-qec', line, '/dev/null']);
}

describe('has examples and exit codes, and is no wider than it may be', { concurrency: 2 }, () => {
  for (const words of commands) {
    it(['portmatrix', ...words, '--help'].join(' '), async (t) => {
      const [{ code, stdout, stderr }, narrow] = await Promise.all([portmatrix(t, [...words, '--help']), onTerminal(t, words)]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, new RegExp(`^Examples:\n  (source <\\()?${['portmatrix', ...words].join(' ')}`, 'm'));
      assert.match(stdout, /^Exit codes: 0 [^]*\b2 /m);
      assert.match(narrow.stdout, /^Examples:/m);
      const tooWide = [stdout.split('\n').filter(({ length }) => length > 110), narrow.stdout.split(/\r?\n/).filter(({ length }) => length > 80)];
      assert.deepEqual(tooWide, [[], []]);
    });
  }
});

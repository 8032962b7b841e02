/** `portmatrix completion`: the scripts, and what a real bash makes of theirs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { publishedMatrices } from '../../src/matrix.ts';
import { bin, portmatrix, runCommand } from '../support/binary.ts';
import { folderWith } from '../support/temporary-folder.ts';

const script = execFileSync(process.execPath, [bin, 'completion', 'bash'], { encoding: 'utf8' });

/** A folder with `portmatrix` as a command, and a PATH that finds it. */
function installed(
  t: TestContext,
  files: Readonly<Record<string, string>> = {},
): { readonly cwd: string; readonly env: Readonly<Record<string, string>> } {
  const cwd = folderWith(t, { 'completion.bash': script, ...files });
  const command = join(cwd, 'portmatrix');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
  chmodSync(command, 0o755);
  return { cwd, env: { PATH: `${cwd}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, SHELL: '/bin/bash' } };
}

/** What bash offers for the last of these words, as its own completion splits them. */
async function offered(t: TestContext, words: readonly string[], { cwd, env } = installed(t)): Promise<readonly string[]> {
  const line = [
    'source completion.bash',
    `COMP_WORDS=(portmatrix ${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length}`,
    '_portmatrix portmatrix',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('; ');
  const { code, stdout, stderr } = await runCommand(t, ['bash', '--norc', '-c', line], { cwd, env });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('in bash', () => {
  const matrices = publishedMatrices();
  const cases: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
    'the beginning of a command': [['pr'], ['preflight']],
    'the commands of a command': [
      ['matrix', ''],
      ['list', 'show', 'export'],
    ],
    'the beginning of an option': [
      ['run', '--so'],
      ['--source', '--source-ports'],
    ],
    'an option after others': [['run', '-i', 'inventory.yaml', '--ti'], ['--timeout-ms']],
    'the values of an option': [
      ['run', '--pace', ''],
      ['gentle', 'normal', 'bulk'],
    ],
    'the values of an option after "="': [['run', '--pace', '=', 'b'], ['bulk']],
    'right after "="': [
      ['run', '--pace', '='],
      ['gentle', 'normal', 'bulk'],
    ],
    'the matrices after -m': [['plan', '-m', ''], matrices],
    'the matrices to show': [['matrix', 'show', 'client'], ['client-to-dc']],
    'the shells': [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    'nothing for a file, which bash then completes itself': [['run', '-i', ''], []],
    'nothing for a report': [['report', ''], []],
    'nothing for what nobody knows': [['nonsense', '--x'], []],
    'nothing where what stands there is wrong already': [['run', '--attempts', 'x', '--pace', 'q'], []],
  };
  for (const [name, [words, expected]] of Object.entries(cases)) {
    it(name, async (t) => assert.deepEqual(await offered(t, words), expected));
  }

  it('every command is offered, and the script is in force for the name', async (t) => {
    const place = installed(t);
    assert.ok((await offered(t, [''], place)).includes('completion'));
    const { stdout } = await runCommand(t, ['bash', '--norc', '-c', 'source <(portmatrix completion bash); complete -p portmatrix'], place);
    assert.equal(stdout, 'complete -o bashdefault -o default -F _portmatrix portmatrix\n');
  });

  it('a config file, right or wrong, says nothing while somebody types', async (t) => {
    const place = installed(t, { 'portmatrix.config.yaml': 'pace: bulk\nwrong: true\n' });
    assert.deepEqual(await offered(t, ['run', '--pace', 'g'], place), ['gentle']);
  });
});

describe('the script', () => {
  it('is that of the shell that is named, or of the user, or of bash', async (t) => {
    const scriptOf = async (words: readonly string[], shell: string): Promise<string> => {
      const { code, stdout, stderr } = await portmatrix(t, ['completion', ...words], { env: { SHELL: shell } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    };
    const [bash, zsh] = [await scriptOf(['bash'], '/bin/zsh'), await scriptOf(['zsh'], '/bin/bash')];
    assert.match(bash, /^complete .* portmatrix$/m);
    assert.match(zsh, /^#compdef portmatrix\n[^]*compadd -a found[^]*compdef _portmatrix portmatrix/);
    assert.equal(await scriptOf([], '/usr/bin/zsh'), zsh);
    assert.equal(await scriptOf([], '/bin/fish'), bash);
  });

  it('zsh reads it and offers the same words, without the descriptions that yargs has for zsh', async (t) => {
    const { stdout } = await portmatrix(t, ['--get-yargs-completions', 'portmatrix', 'ma'], { env: { SHELL: '/bin/zsh' } });
    assert.equal(stdout, 'matrix\n');
  });

  it('of a shell that we have none for is wrong usage', async (t) => {
    const { code, stderr } = await portmatrix(t, ['completion', 'fish']);
    assert.equal(code, 2);
    assert.match(stderr, /shell is "fish", expected one of "bash", "zsh"/);
  });
});

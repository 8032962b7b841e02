/** What goes where: stdout and stderr, a terminal and a pipe, colours, and readers that leave. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { bin, checkout, onScene, portmatrix, runCommand, sceneOf } from '../support/binary.ts';
import { serveTcp } from '../support/loopback.ts';

const escape = '\u001b';
const liveLine = /checks from 1 source, \d+ failed/;
const colour = new RegExp(`${escape}\\[3\\dm`);

/** A folder whose run passes. */
async function passing(t: TestContext): Promise<string> {
  const port = await serveTcp(t, (socket) => socket.end());
  return sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }]);
}

function quoted(...words: readonly string[]): string {
  return [process.execPath, bin, ...words].map((word) => `'${word}'`).join(' ');
}

/** Runs a shell line, in which `$PORTMATRIX` stands for the binary. */
function shell(t: TestContext, line: string, cwd: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof runCommand> {
  return runCommand(t, ['bash', '-c', line.replaceAll('$PORTMATRIX', quoted())], { cwd, env });
}

function pseudoTerminal(
  t: TestContext,
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): ReturnType<typeof runCommand> {
  return runCommand(t, ['script', '-qec', quoted(...words), '/dev/null'], { cwd, env });
}

describe('on a terminal', () => {
  it('a run has a live line and colours, and leaves the cursor visible', async (t) => {
    const { code, stdout } = await pseudoTerminal(t, ['run', ...onScene], await passing(t));
    assert.equal(code, 0, stdout);
    assert.match(stdout, liveLine);
    assert.match(stdout, colour);
    assert.ok(stdout.lastIndexOf(`${escape}[?25h`) > stdout.lastIndexOf(`${escape}[?25l`));
  });

  it('NO_COLOR takes the colours, and an empty NO_COLOR does not', async (t) => {
    const folder = await passing(t);
    assert.doesNotMatch((await pseudoTerminal(t, ['run', ...onScene], folder, { NO_COLOR: '1' })).stdout, colour);
    assert.match((await pseudoTerminal(t, ['run', ...onScene], folder, { NO_COLOR: '' })).stdout, colour);
  });
});

describe('in a pipe', () => {
  it('a run has no live line, no colours and no escapes at all, and says on stderr only where its files are', async (t) => {
    const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene], { cwd: await passing(t) });
    assert.equal(code, 0);
    assert.ok(!stdout.includes(escape) && !stderr.includes(escape));
    assert.match(stderr, /^Written: [^\n]+\n$/);
    assert.match(stdout, /1 check/);
  });

  it('a locale without UTF-8 gets ASCII alone, and an empty LC_ALL is none', async (t) => {
    const folder = await passing(t);
    const plain = await portmatrix(t, ['run', ...onScene], { cwd: folder, env: { LC_ALL: 'C' } });
    assert.doesNotMatch(plain.stdout, /[^\n -~]/);
    const rich = await portmatrix(t, ['run', ...onScene], { cwd: folder, env: { LC_ALL: '' } });
    assert.match(rich.stdout, /→/);
  });

  it('a reader that leaves after the first line is no error, whatever is left to say', async (t) => {
    const folder = sceneOf(t, [{ id: 'many', ports: ['1-20000/tcp'], probe: 'tcp' }]);
    const { code, stdout, stderr } = await shell(t, `$PORTMATRIX plan ${onScene.join(' ')} --format json | head -1; exit \${PIPESTATUS[0]}`, folder);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout.split('\n').length, 2);
  });

  it('a reader of both streams that leaves at once changes no exit code', async (t) => {
    const { code } = await shell(t, `$PORTMATRIX run ${onScene.join(' ')} 2>&1 | true; exit \${PIPESTATUS[0]}`, await passing(t));
    assert.equal(code, 0);
  });

  it('a stdout that is full is said, and never exit 0 or 1', async (t) => {
    const { code, stderr } = await shell(t, `$PORTMATRIX run ${onScene.join(' ')} > /dev/full`, await passing(t));
    assert.equal(code, 3);
    assert.match(stderr, /stdout cannot be written: .*ENOSPC/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it('a large report reaches a slow reader whole, and nobody is warned of anything', async (t) => {
    const folder = sceneOf(t, [{ id: 'many', ports: ['1-20000/tcp'], probe: 'tcp' }]);
    const slow = `$PORTMATRIX plan ${onScene.join(' ')} --format json | node -e "let n=0;process.stdin.on('data',(c)=>{n+=String(c).split('\\n').length-1}).on('end',()=>console.log(n))"`;
    assert.deepEqual(await shell(t, slow, folder), { code: 0, signal: null, stdout: '20000\n', stderr: '' });
  });
});

describe('a bug', () => {
  const main = JSON.stringify(join(checkout, 'src', 'cli.ts'));
  const bugs: Readonly<Record<string, string>> = {
    'that a command throws': `() => { throw new TypeError('boom'); }`,
    'that a command rejects with': `async () => { throw new TypeError('boom'); }`,
    'that nobody awaits': `() => new Promise(() => setImmediate(() => { throw new TypeError('boom'); }))`,
    'in a promise that nobody holds': `() => new Promise(() => void Promise.reject(new TypeError('boom')))`,
  };
  for (const [name, program] of Object.entries(bugs)) {
    it(`${name} is exit 70, with its stack, and said to be ours`, async (t) => {
      const script = `import(${main}).then(({ main }) => main([], ${program}))`;
      const { code, stderr, stdout } = await runCommand(t, [process.execPath, '-e', script]);
      assert.equal(code, 70, stderr);
      assert.match(stderr, /a bug in portmatrix, not in your network:\nTypeError: boom\n\s+at /);
      assert.equal(stdout, '');
    });
  }
});

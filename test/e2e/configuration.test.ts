/** `portmatrix.config.yaml`: where it counts, that it is said, and that what is wrong in it is found at its place. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Ended, portmatrix, sceneOf } from '../support/binary.ts';
import { serveTcp } from '../support/loopback.ts';

const usual = 'portmatrix.config.yaml';

/** A scene whose one port is open, and a config file in its folder. */
async function sceneWith(t: TestContext, config: string, name = usual): Promise<string> {
  const port = await serveTcp(t, (socket) => socket.end());
  const folder = sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }]);
  writeFileSync(join(folder, name), config);
  return folder;
}

const scene = 'inventory: inventory.yaml\nmatrix: mine.yaml\n';

/** The plan's worst case, which shows the deadline that is in force. */
function seconds({ stdout }: Ended): string | undefined {
  return /takes up to (\d+) s/.exec(stdout)?.[1];
}

describe('the config file of the current folder', () => {
  it('is all that a run needs, and stderr says that it is in force', async (t) => {
    const folder = await sceneWith(t, `${scene}out: here\nformat: json\nallow-inconclusive: true\n`);
    const { code, stdout, stderr } = await portmatrix(t, ['run'], { cwd: folder });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Defaults from portmatrix\.config\.yaml: inventory, matrix, out, format, allow-inconclusive\nWritten: [^\n]+\n$/);
    // The rule, and the port that must not answer.
    assert.equal(JSON.parse(stdout).summary.pass, 2);
    assert.ok(existsSync(join(folder, 'here', 'report.json')));
  });

  it('gives way to the command line, by any spelling of an option, and is silent when nothing of it counts', async (t) => {
    const folder = await sceneWith(t, `${scene}timeout-ms: 60000\nattempts: 1\n`);
    const own = ['plan', '-i', 'inventory.yaml', '-m', 'mine.yaml'];
    const long = await portmatrix(t, own, { cwd: folder });
    assert.equal(long.stderr, 'Defaults from portmatrix.config.yaml: timeout-ms, attempts\n');
    const short = await portmatrix(t, [...own, '--timeout-ms=300', '--attempts', '2'], { cwd: folder });
    assert.equal(short.stderr, '');
    assert.ok(Number(seconds(long)) >= 60 && Number(seconds(short)) <= 2, `${seconds(long)} and ${seconds(short)}`);
  });

  it('is for the commands that have the option, and for no other', async (t) => {
    const folder = await sceneWith(t, `${scene}format: junit\nout: here\npace: gentle\n`);
    const plan = await portmatrix(t, ['plan', '--pace', 'normal'], { cwd: folder });
    assert.deepEqual([plan.code, plan.stderr], [0, 'Defaults from portmatrix.config.yaml: inventory, matrix\n']);
    const validate = await portmatrix(t, ['validate'], { cwd: folder });
    assert.deepEqual([validate.code, validate.stdout.split('\n').length], [0, 3]);
    const list = await portmatrix(t, ['matrix', 'list'], { cwd: folder });
    assert.deepEqual([list.code, list.stderr], [0, '']);
  });

  it('is not looked for anywhere else', async (t) => {
    const folder = await sceneWith(t, scene);
    mkdirSync(join(folder, 'below'));
    const { code, stderr } = await portmatrix(t, ['plan'], { cwd: join(folder, 'below') });
    assert.equal(code, 2);
    assert.match(stderr, /--inventory is missing/);
  });

  it('is not read with --config none', async (t) => {
    const folder = await sceneWith(t, 'this: is wrong\n');
    const { code, stderr } = await portmatrix(t, ['plan', '-i', 'inventory.yaml', '-m', 'mine.yaml', '--config', 'none'], { cwd: folder });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('does not stand in the way of help, however wrong it is', async (t) => {
    const folder = await sceneWith(t, 'this: is wrong\n');
    for (const words of [['run', '--help'], ['--help'], ['matrix', 'list']]) assert.equal((await portmatrix(t, words, { cwd: folder })).code, 0);
  });
});

it('--config names another file, whose paths are relative to it', async (t) => {
  const folder = await sceneWith(t, scene, 'other.yaml');
  writeFileSync(join(folder, usual), 'inventory: nowhere.yaml\n');
  mkdirSync(join(folder, 'below'));
  for (const words of [
    ['plan', '--config', '../other.yaml'],
    ['--config=../other.yaml', 'plan'],
  ]) {
    const { code, stderr } = await portmatrix(t, words, { cwd: join(folder, 'below') });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: 'Defaults from ../other.yaml: inventory, matrix\n' });
  }
});

describe('a mistake in it is exit 2 with its place, and nothing is sent', () => {
  const mistakes: Readonly<Record<string, { readonly words?: readonly string[]; readonly config: string; readonly says: RegExp }>> = {
    'an unknown key': { config: 'timeout-m: 3000', says: /config\.yaml:1:1: timeout-m is not a known key, did you mean "timeout-ms"\?/ },
    'a value out of range': { config: '\ntimeout-ms: 100', says: /config\.yaml:2:13: timeout-ms is 100, expected a whole number from 200 to 120000/ },
    'a value that only the option knows to be wrong': {
      config: `${scene}source-ports: 5-1`,
      says: /config\.yaml:3:15: source-ports "5-1" is not a port range: expected os, windows/,
    },
    'a file that cannot be read': { config: 'inventory: nowhere.yaml', says: /nowhere\.yaml: cannot be read/ },
    'a folder that cannot be written to': {
      config: `${scene}out: mine.yaml/deep`,
      says: /config\.yaml:3:6: out .*mine\.yaml\/deep cannot be written to/,
    },
    'a domain that is none': { words: ['preflight'], config: 'domain: a..b', says: /config\.yaml:1:9: domain "a\.\.b" is not a DNS name/ },
    'a resolver by name': {
      words: ['init', '--out', '-'],
      config: 'domain: a.test\ndns-server: ns1',
      says: /config\.yaml:2:13: dns-server "ns1" is not an address/,
    },
    'an option of the command line, which has no place': {
      words: ['run', '--source-ports', '5-1'],
      config: `${scene}source-ports: windows`,
      says: /^portmatrix: --source-ports "5-1"/,
    },
    'a file that is not there': { words: ['run', '--config', 'mine.yml'], config: scene, says: /mine\.yml: cannot be read/ },
    '--config twice': { words: ['run', '--config', 'none', '--config', 'none'], config: scene, says: /--config is given 2 times/ },
    '--config without a file': { words: ['run', '--config'], config: scene, says: /"config" needs a value/ },
    '--config for a command without defaults': { words: ['demo', '--config', 'none'], config: scene, says: /"--config".*--help/ },
  };
  for (const [name, { words = ['run'], config, says }] of Object.entries(mistakes)) {
    it(name, async (t) => {
      const folder = await sceneWith(t, config);
      const { code, stdout, stderr } = await portmatrix(t, words, { cwd: folder });
      const lines = stderr.replace(/^Defaults from [^\n]+\n/, '');
      assert.match(lines, says);
      assert.match(lines, /^portmatrix: [^\n]+\n$/);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.ok(!existsSync(join(folder, 'reports')));
    });
  }
});

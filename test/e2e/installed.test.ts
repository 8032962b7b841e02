/** The ways to start the product: from a checkout through npm, from an installed package, and with a Node.js that is too old. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Report } from '../../src/report.ts';
import { bin, checkout, onScene, portmatrix, runCommand, sceneOf } from '../support/binary.ts';
import { serveTcp } from '../support/loopback.ts';
import { folderWith } from '../support/temporary-folder.ts';

async function passing(t: TestContext): Promise<string> {
  const port = await serveTcp(t, (socket) => socket.end());
  return sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }]);
}

describe('npm run --silent portmatrix', () => {
  it('takes paths from where its caller stands, and writes there', async (t) => {
    const folder = await passing(t);
    const words = ['npm', '--prefix', checkout, 'run', '--silent', 'portmatrix', '--', 'run', ...onScene, '--format', 'json'];
    const { code, stdout, stderr } = await runCommand(t, words, { cwd: folder });
    assert.equal(code, 0, stderr);
    const report: Report = JSON.parse(stdout);
    assert.deepEqual(readdirSync(join(folder, 'reports', report.run.id)).sort(), ['junit.xml', 'report.json']);
  });

  it('hands on the exit code', async (t) => {
    const words = ['npm', '--prefix', checkout, 'run', '--silent', 'portmatrix', '--', 'run', '-i', 'missing.yaml'];
    const { code, stderr } = await runCommand(t, words, { cwd: folderWith(t, {}) });
    assert.equal(code, 2);
    assert.match(stderr, /missing\.yaml/);
  });

  it('does not believe another package that has a script of this name', async (t) => {
    const folder = folderWith(t, {
      'package.json': JSON.stringify({ name: 'other', scripts: { portmatrix: `'${process.execPath}' '${bin}' validate -i x.yaml` } }),
    });
    mkdirSync(join(folder, 'deep'));
    const { stderr } = await runCommand(t, ['npm', 'run', '--silent', 'portmatrix'], { cwd: join(folder, 'deep') });
    assert.ok(stderr.includes(`portmatrix: ${join(folder, 'x.yaml')}`), stderr);
  });
});

describe('an installed package', () => {
  it('runs from dist/ alone, under its name in .bin', async (t) => {
    const source = folderWith(t, {});
    for (const name of [
      'package.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'README.md',
      'LICENSE',
      'src',
      'agent',
      'matrices',
      'reports',
      'test/support',
    ])
      cpSync(join(checkout, name), join(source, name), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(source, 'node_modules'));
    const built = await runCommand(t, [process.execPath, 'test/support/build.ts'], { cwd: source });
    assert.equal(built.code, 0, built.stdout + built.stderr);
    const packed = await runCommand(t, ['npm', 'pack', '--ignore-scripts', '--json', '--loglevel=error'], { cwd: source });
    assert.equal(packed.code, 0, packed.stderr);
    const tarball = readdirSync(source).find((name) => name.endsWith('.tgz')) ?? 'no tarball';

    const app = folderWith(t, {});
    const modules = join(app, 'node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    const { code } = await runCommand(t, ['tar', '-xzf', join(source, tarball), '-C', modules]);
    assert.equal(code, 0);
    cpSync(join(modules, 'package'), join(modules, 'portmatrix'), { recursive: true });
    const manifest: { readonly version: string; readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
      readFileSync(join(modules, 'portmatrix', 'package.json'), 'utf8'),
    );
    for (const name of Object.keys(manifest.dependencies)) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(checkout, 'node_modules', name), join(modules, name));
    }
    symlinkSync('../portmatrix/src/bin.cjs', join(modules, '.bin', 'portmatrix'));
    assert.ok(!existsSync(join(modules, 'portmatrix', 'agent', 'main.ts')) && !existsSync(join(modules, 'portmatrix', 'src', 'cli.ts')));

    assert.ok(existsSync(join(modules, 'portmatrix', 'agent', 'ssm', 'run.sh')));

    const installed = [process.execPath, join(modules, '.bin', 'portmatrix')];
    assert.equal((await runCommand(t, [...installed, '--version'])).stdout, `${manifest.version}\n`);
    const list = await runCommand(t, [...installed, 'matrix', 'list']);
    assert.equal(list.stdout, (await portmatrix(t, ['matrix', 'list'])).stdout);
    const folder = await passing(t);
    const run = await runCommand(t, [...installed, 'run', ...onScene, '--format', 'json', '--out', 'out'], { cwd: folder });
    assert.equal(run.code, 0, run.stderr);
    const report = await runCommand(t, [...installed, 'report', 'out/report.json', '--format', 'json'], { cwd: folder });
    assert.equal(report.stdout, run.stdout);
  });

  it('that lacks its dist/ says that it is broken, exit 70', async (t) => {
    const modules = join(folderWith(t, {}), 'node_modules');
    cpSync(bin, join(modules, 'portmatrix', 'src', 'bin.cjs'));
    const { code, stderr } = await runCommand(t, [process.execPath, join(modules, 'portmatrix', 'src', 'bin.cjs')]);
    assert.equal(code, 70);
    assert.match(stderr, /this installation is broken/);
  });
});

describe('a Node.js that is too old', () => {
  it('is told so in one sentence, exit 2', async (t) => {
    const old = (await oldInstalled(t)) ?? (await oldFromRegistry(t));
    if (old === undefined) {
      t.diagnostic('!!! SKIPPED: no Node.js older than 22.18 is installed, and npm could not fetch one');
      t.skip('no old Node.js to be had');
      return;
    }
    const { code, stdout, stderr } = await runCommand(t, [old, bin, 'run', '--nonsense']);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^portmatrix needs Node\.js 22\.18 or newer, and this is v\d+\.\d+\.\d+: install [^\n]+\.\n$/);
  });
});

async function oldInstalled(t: TestContext): Promise<string | undefined> {
  for (const path of ['/usr/bin/node', '/usr/local/bin/node']) if (existsSync(path) && (await isOld(t, path))) return path;
  return undefined;
}

async function isOld(t: TestContext, path: string): Promise<boolean> {
  const { stdout } = await runCommand(t, [path, '--version']);
  const [major = 0, minor = 0] = stdout.slice(1).split('.').map(Number);
  return major < 22 || (major === 22 && minor < 18);
}

async function oldFromRegistry(t: TestContext): Promise<string | undefined> {
  const name = `node-${platform()}-${arch()}`;
  const folder = folderWith(t, { 'package.json': '{}' });
  const { code } = await runCommand(t, ['npm', 'install', '--no-audit', '--no-fund', '--no-save', `${name}@20`], { cwd: folder });
  const path = join(folder, 'node_modules', name, 'bin', 'node');
  return code === 0 && existsSync(path) ? path : undefined;
}

/**
 * Programs for Windows, run by Wine. What it shows: that the runtime for Windows starts, loads the agent and speaks TCP and UDP. What it does not: PowerShell,
 * and Windows' own network stack (a refused UDP port, which Windows does not tell, is told here).
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchRuntime } from '../../src/runtime.ts';
import { UsageError } from '../../src/usage-error.ts';
import type { Scope } from './loopback.ts';

const programs = '/usr/lib/wine';

/** Whether Wine is installed here. */
function hasWine(): boolean {
  return existsSync(join(programs, 'wine64'));
}

/** One Windows, until the end of its test. */
export interface Windows {
  /** Runs a program to its end, with text on stdin, in files as the step does it: with a pipe for stdout the runtime does not start under Wine. */
  readonly run: (
    words: readonly [program: string, ...rest: string[]],
    input: string,
    env?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** A path as programs for Windows name it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

/** Makes a Windows in a folder of its own. */
export function openWine(t: Scope): Windows {
  const root = mkdtempSync(join(tmpdir(), 'portmatrix-wine-'));
  const home = join(root, 'home');
  mkdirSync(home);
  // Without the two that would ask to download something. Node.js does not know the Windows that Wine says it is.
  const surroundings = {
    PATH: process.env['PATH'],
    HOME: home,
    WINEPREFIX: join(root, 'prefix'),
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree=;mshtml=',
    NODE_SKIP_PLATFORM_CHECK: '1',
  };
  t.after(() => {
    // Ends all that runs in this Windows, and nothing else.
    for (const word of ['-k', '-w']) spawnSync(join(programs, 'wineserver64'), [word], { env: surroundings, stdio: 'ignore' });
    rmSync(root, { recursive: true, force: true });
  });
  const made = spawnSync(join(programs, 'wine64'), ['wineboot', '--init'], { env: surroundings, stdio: 'ignore' });
  if (made.status !== 0) throw new Error(`wine64 could not make a Windows: exit code ${made.status}`);
  let count = 0;
  const run: Windows['run'] = async ([program, ...words], input, env = {}) => {
    count += 1;
    const file = (name: string): string => join(root, `${name}-${count}`);
    writeFileSync(file('in'), input);
    const stdio = [openSync(file('in'), 'r'), openSync(file('out'), 'w'), openSync(file('err'), 'w')];
    try {
      const child = spawn(join(programs, 'wine64'), [windowsPath(program), ...words], { env: { ...surroundings, ...env }, cwd: root, stdio });
      const code = await new Promise<number | null>((resolve, reject) => void child.on('error', reject).on('close', resolve));
      return { code, stdout: readFileSync(file('out'), 'utf8'), stderr: readFileSync(file('err'), 'utf8') };
    } finally {
      for (const descriptor of stdio) closeSync(descriptor);
    }
  };
  return { run };
}

const isRequired = process.env['PORTMATRIX_REQUIRE_LAB'] === '1';

/** The runtime for Windows; or why it cannot be had or run, where nobody insists on it. */
export async function windowsRuntime(): Promise<Uint8Array | string> {
  if (!hasWine() && !isRequired) return '!!! SKIPPED: wine64 is not installed here';
  try {
    return (await fetchRuntime('windows-x64')).runtime;
  } catch (error) {
    if (isRequired || !(error instanceof UsageError)) throw error;
    return `!!! SKIPPED: ${error.message}`;
  }
}

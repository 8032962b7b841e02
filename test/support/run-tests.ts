/**
 * Runs the tests: all of them, or the suites or files that are named (`npm test -- unit`, `npm test -- test/unit/judge.test.ts`).
 * The lab needs root on Debian or Ubuntu. Elsewhere it is skipped, and says so; with PORTMATRIX_REQUIRE_LAB=1 a missing lab is a failure.
 *
 * The lab mostly waits (for packets that are dropped), and the others mostly compute: the lab runs beside them, and each suite prints when it is done.
 */
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { installLabPackages } from '../lab/packages.ts';
import { razeForest } from '../lab/forest.ts';

const suites = ['unit', 'protocol', 'e2e', 'lab'] as const;
type Suite = (typeof suites)[number];

/** Suites of a track run one after the other, and the tracks side by side. */
const tracks: readonly (readonly Suite[])[] = [['lab'], ['unit', 'protocol', 'e2e']];

const named = process.argv.slice(2);
// First of all, since other suites use some of these packages too (openssl makes the certificates of TLS tests).
const lab = installLabPackages();
const files = new Map(suites.map((suite) => [suite, filesOf(suite)]));
const busy = tracks.map((track) => track.filter((suite) => (files.get(suite) ?? []).length > 0)).filter((track) => track.length > 0);
if (busy.length === 0) process.stderr.write(`nothing to run: expected ${suites.join(', ')} or paths of test files\n`);
const passed = await Promise.all(busy.map((track) => runTrack(track, busy.length > 1)));
process.exitCode = passed.length > 0 && passed.every((all) => all) ? 0 : 1;

/** Resolves to whether all suites of the track passed; a failed one does not keep the next from running. */
async function runTrack(track: readonly Suite[], hasCompany: boolean): Promise<boolean> {
  let passes = true;
  for (const suite of track) {
    if (suite === 'lab' && !lab.installed) {
      passes = sayLabIsMissing() && passes;
      continue;
    }
    if (hasCompany) process.stdout.write(`${suite}: running\n`);
    passes = (await runSuite(suite, hasCompany)) && passes;
    if (suite === 'lab') await razeForest();
  }
  return passes;
}

/** Resolves to whether it passed. What it says is printed as it comes or, in company, in one piece. */
function runSuite(suite: Suite, hasCompany: boolean): Promise<boolean> {
  const words = ['--test', ...(suite === 'lab' ? ['--test-concurrency=1'] : []), ...(files.get(suite) ?? [])];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: hasCompany ? ['inherit', 'pipe', 'pipe'] : 'inherit' });
    const said: Buffer[] = [];
    child.stdout?.on('data', (bytes: Buffer) => said.push(bytes));
    child.stderr?.on('data', (bytes: Buffer) => said.push(bytes));
    child.on('error', reject);
    child.on('close', (status) => {
      if (hasCompany) process.stdout.write(Buffer.concat([Buffer.from(`\n${suite}:\n`), ...said]));
      resolve(status === 0);
    });
  });
}

function filesOf(suite: Suite): readonly string[] {
  return globSync(`test/${suite}/**/*.test.ts`)
    .sort()
    .filter(
      (file) =>
        named.length === 0 ||
        named.some((name) => (statSync(name, { throwIfNoEntry: false }) === undefined ? name === suite : file.startsWith(name))),
    );
}

/** False where the lab is required. */
function sayLabIsMissing(): boolean {
  const isRequired = process.env['PORTMATRIX_REQUIRE_LAB'] === '1';
  const line = '!'.repeat(100);
  process.stderr.write(
    `${line}\nLAB ${isRequired ? 'FAILED' : 'SKIPPED'}: nothing below was tested against a real Active Directory forest: ${lab.reason}\n${line}\n`,
  );
  return !isRequired;
}

/**
 * Runs the tests: all of them, or the suites or files that are named (`npm test -- unit`, `npm test -- test/unit/judge.test.ts`).
 * The lab needs root on Debian or Ubuntu. Elsewhere it is skipped, and says so; with PORTMATRIX_REQUIRE_LAB=1 a missing lab is a failure.
 */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { installLabPackages } from '../lab/packages.ts';
import { razeForest } from '../lab/forest.ts';

const suites = ['unit', 'protocol', 'e2e', 'lab'] as const;

const named = process.argv.slice(2);
let failed = false;
let ran = 0;
// First of all, since other suites use some of these packages too (openssl makes the certificates of TLS tests).
const lab = installLabPackages();
for (const suite of suites) {
  const files = globSync(`test/${suite}/**/*.test.ts`)
    .sort()
    .filter((file) => isNamed(file, suite));
  if (files.length === 0) continue;
  if (suite === 'lab' && !labIsReady()) continue;
  ran += files.length;
  const { status } = spawnSync(process.execPath, ['--test', ...(suite === 'lab' ? ['--test-concurrency=1'] : []), ...files], { stdio: 'inherit' });
  failed ||= status !== 0;
  if (suite === 'lab') await razeForest();
}
if (ran === 0 && !failed) process.stderr.write(`nothing to run: expected ${suites.join(', ')} or paths of test files\n`);
process.exitCode = failed || ran === 0 ? 1 : 0;

function isNamed(file: string, suite: string): boolean {
  if (named.length === 0) return true;
  return named.some((name) => (statSync(name, { throwIfNoEntry: false }) === undefined ? name === suite : file.startsWith(name)));
}

function labIsReady(): boolean {
  if (lab.installed) return true;
  const required = process.env['PORTMATRIX_REQUIRE_LAB'] === '1';
  const line = '!'.repeat(100);
  process.stderr.write(
    `${line}\nLAB ${required ? 'FAILED' : 'SKIPPED'}: nothing below was tested against a real Active Directory forest: ${lab.reason}\n${line}\n`,
  );
  failed ||= required;
  return false;
}

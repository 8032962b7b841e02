import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, normalize } from 'node:path';
import { test } from 'node:test';

/** Which files may import what. The first rule that forbids an import speaks; `reason` is what a breach prints. */
interface Rule {
  readonly files: RegExp;
  readonly forbidden: (imported: string, file: string) => boolean;
  readonly reason: string;
}

const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
const importers: Readonly<Record<string, RegExp>> = {
  '@aws-sdk/client-s3': /^src\/aws\.ts$/,
  '@aws-sdk/client-ssm': /^src\/aws\.ts$/,
  '@aws-sdk/credential-providers': /^src\/aws\.ts$/,
  '@aws-sdk/s3-request-presigner': /^src\/aws\.ts$/,
  ajv: /^src\/document\.ts$/,
  'cli-progress': /^src\/commands\/progress\.ts$/,
  dns2: /^src\/demo\/speakers\.ts$/,
  esbuild: /^src\/bundle\.ts$/,
  fflate: /^src\/archive\.ts$/,
  ldapts: /^src\/demo\/speakers\.ts$/,
  'modern-tar': /^src\/archive\.ts$/,
  'p-limit': /^src\/dispatch\.ts$/,
  picocolors: /^src\/reporters\//,
  table: /^src\/reporters\/grid\.ts$/,
  xmlbuilder2: /^src\/reporters\/junit\.ts$/,
  yaml: /^src\/document\.ts$/,
  yargs: /^src\/(cli\.ts$|commands\/)/,
};
const pure =
  /^src\/(agent-document|agent-policy|document-literal|stack-template|step-ending|plan|plan-allowance|destination-name|meetings|permission|subject|reported-subject|pace|vantage|witness|control|assess|judge|proxy-trouble|diagnose|path-size|report|drift|verdict|inventory-text|search-domain|rule-rows)\.ts$|^src\/(assess|reporters|preflight)\/|^src\/doctor\/(?!look|trial)|^src\/publication\/(target|location)/;
const impure = /^node:(fs|net|child_process|process|dgram|tls|os|http|https|timers|worker_threads)/;

const rules: readonly Rule[] = [
  {
    files: /^agent\//,
    forbidden: (imported) => imported.startsWith('src/'),
    reason: 'the agent observes and must not know how it is judged: move what both need to agent/contract/',
  },
  {
    files: /^src\//,
    forbidden: (imported, file) =>
      imported.startsWith('agent/') &&
      !imported.startsWith('agent/contract/') &&
      !(file.startsWith('src/demo/') && imported.startsWith('agent/codecs/')),
    reason: 'the controller never opens a probe socket: all it may share with the agent is agent/contract/',
  },
  {
    files: /^agent\/contract\//,
    forbidden: (imported) => !imported.startsWith('agent/contract/') && imported !== 'node:crypto' && imported !== 'node:zlib',
    reason: 'the contract is read by both sides and by nobody else: it may use node:crypto and node:zlib',
  },
  {
    files: /^agent\/codecs\//,
    forbidden: (imported) => !imported.startsWith('agent/codecs/') && !imported.startsWith('agent/contract/') && imported !== 'node:crypto',
    reason: 'a codec turns bytes into values and back, without sockets: it may use other codecs and node:crypto',
  },
  {
    files: /^agent\/probes\/(?!registry)/,
    forbidden: (imported) => !/^agent\/(contract|codecs)\//.test(imported) && imported !== 'agent/net/dialogue.ts',
    reason: 'a probe is a dialogue: it knows the contract, codecs and net/dialogue.ts, and never another probe, a socket or a clock',
  },
  {
    files: /^agent\/(?!runner\.ts)/,
    forbidden: (imported) => imported.startsWith('node:timers'),
    reason: 'only the runner knows time',
  },
  {
    files: pure,
    forbidden: (imported) => impure.test(imported),
    reason: 'planning, judging and reporting are pure: do the I/O at the edge and pass the result in',
  },
  {
    files: /^(src|agent)\//,
    forbidden: (imported, file) => {
      const allowed = importers[imported];
      return !isOurs(imported) && !builtins.has(imported) && (allowed === undefined || !allowed.test(file));
    },
    reason: 'each npm package has one importer, listed in this test, so that it can be replaced in one place',
  },
];

const files = globSync('{src,agent}/**/*.{ts,cjs}').sort();

test('there is something to check', () => {
  assert.ok(files.length > 40);
});

test('every import goes in a direction that the rules allow', () => {
  const breaches = files.flatMap((file) =>
    importsOf(file).flatMap((imported) => {
      const broken = rules.find((rule) => rule.files.test(file) && rule.forbidden(imported, file));
      return broken === undefined ? [] : [`${file} imports ${imported}: ${broken.reason}`];
    }),
  );
  assert.deepEqual(breaches, []);
});

test('only the host and the guard have a dial that asks for no leave; the runner has it to ask itself', () => {
  assert.deepEqual(
    containing(/\bimport \{[^}]*\bdial\b[^}]*\} from '[^']*net\/dial\.ts'|from '\.\/dial\.ts'.*\bdial\b/, /^agent\/(?!host\.ts|runner\.ts)/),
    [],
  );
  assert.deepEqual(containing(/\b(connectTcp|createSocket)\(/, /^agent\/(?!net\/dial\.ts)/), ['agent/runner.ts']);
});

test('only the runner starts timers in the agent', () => {
  assert.deepEqual(containing(/\bset(Timeout|Interval)\(/, /^agent\/(?!runner\.ts)/), []);
});

test('nobody ends the process but the agent in a step, which a resolver that hangs must not hold beyond its time; only cli.ts and the agent set its exit code', () => {
  assert.deepEqual(containing(/process\.exit\(/, /^(?!agent\/ssm-main\.ts)/), []);
  assert.deepEqual(containing(/process\.exitCode\s*=/, /^(?!src\/cli\.ts|src\/bin\.cjs|src\/bundle\.ts)/), []);
});

test('only cli.ts writes to the terminal', () => {
  assert.deepEqual(
    containing(/console\.|process\.std(out|err)\.write/, /^(?!src\/cli\.ts|src\/bin\.cjs|src\/bundle\.ts|agent\/main\.ts|agent\/ssm-main\.ts)/),
    [],
  );
});

test('no folder or file has a name that means nothing', () => {
  assert.deepEqual(
    files.filter((file) => /(^|\/)(utils?|helpers?|common|lib|core|services?|types?)(\.ts|\/)/.test(file)),
    [],
  );
});

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const names = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'/g),
    ...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g),
    ...text.matchAll(/(?:^|\n)import\s+'([^']+)'/g),
  ];
  return names.map(([, name = '']) => (name.startsWith('.') ? normalize(`${dirname(file)}/${name}`) : name.replace(/^(ajv|yargs)\/.*/, '$1')));
}

function isOurs(imported: string): boolean {
  return imported.startsWith('src/') || imported.startsWith('agent/') || imported.startsWith('dist/');
}

function containing(pattern: RegExp, among: RegExp): string[] {
  return files.filter((file) => among.test(file) && pattern.test(readFileSync(file, 'utf8')));
}

/** The config file and the options that it gives defaults to are the same words, with the same values. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import yargs, { type Argv } from 'yargs';
import { describeInit } from '../../src/commands/init.ts';
import { describePlan } from '../../src/commands/plan.ts';
import { describePreflight } from '../../src/commands/preflight.ts';
import { describeResume } from '../../src/commands/resume.ts';
import { describeReport } from '../../src/commands/report.ts';
import { describeRun } from '../../src/commands/run.ts';
import { describeValidate } from '../../src/commands/validate.ts';
import { type Configured, configurable, readConfiguration } from '../../src/configuration.ts';
import { packageRoot } from '../../src/package-root.ts';
import { UsageError } from '../../src/usage-error.ts';
import { folderWith } from '../support/temporary-folder.ts';

interface Property {
  readonly description: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples: readonly unknown[];
}

const schema: { readonly properties: Readonly<Record<string, Property>> } = JSON.parse(
  readFileSync(join(packageRoot, 'src/configuration.schema.json'), 'utf8'),
);

const builders: Readonly<Record<Configured, (argv: Argv) => Argv>> = {
  run: describeRun,
  plan: describePlan,
  validate: describeValidate,
  preflight: describePreflight,
  report: describeReport,
  resume: describeResume,
  init: describeInit,
};

/** What a command makes of its words; what it cannot take, it throws. */
function parse(command: Configured, words: readonly string[]): unknown {
  return builders[command](yargs([...words]))
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (!/^(Missing required|Not enough non-option) argument/.test(message ?? '')) throw error ?? new UsageError(message ?? '');
    })
    .parseSync();
}

it('the schema has the options that can be given, and says for which commands they are', () => {
  assert.deepEqual(
    Object.keys(schema.properties),
    configurable.map(({ option }) => option),
  );
  for (const { option, commands } of configurable) assert.ok(schema.properties[option]?.description.startsWith(`${commands.join(', ')}: `), option);
});

for (const { option, commands } of configurable) {
  const { enum: choices, minimum, maximum } = schema.properties[option] ?? {};
  for (const command of commands) {
    describe(`${option} of ${command}`, () => {
      it('is an option of that command, and takes what the schema takes', () => {
        const values = choices ?? (minimum === undefined ? [] : [String(minimum), String(maximum)]);
        for (const value of values) assert.doesNotThrow(() => parse(command, [`--${option}`, value]), value);
        assert.doesNotThrow(() => parse(command, [`--${option}=${values[0] ?? 'windows'}`]));
        assert.throws(() => parse(command, [`--${option}x=windows`]), /Unknown argument/);
      });
      if (choices !== undefined || minimum !== undefined) {
        it('and takes nothing else', () => {
          const values = choices === undefined ? [String(Number(minimum) - 1), String(Number(maximum) + 1)] : ['neither'];
          for (const value of values) assert.throws(() => parse(command, [`--${option}`, value]), value);
        });
      }
    });
  }
}

describe('a config file', () => {
  it('may say what the schema gives as examples', (t) => {
    for (const [option, { examples }] of Object.entries(schema.properties)) {
      for (const example of examples) {
        const folder = folderWith(t, { 'a.yaml': JSON.stringify({ [option]: example }) });
        assert.equal(readConfiguration(join(folder, 'a.yaml'), folder).settings.size, 1, option);
      }
    }
  });

  it('has its paths relative to itself, and as they are written where the user stands beside it', (t) => {
    const folder = folderWith(t, {
      'a.yaml': 'inventory: i.yaml\nout: deep/out\nmatrix: [client-to-dc, mine.yaml, /abs/other.yaml]\ndomain: a.test\n',
    });
    const read = (cwd: string): unknown => Object.fromEntries(readConfiguration(join(folder, 'a.yaml'), cwd).settings);
    assert.deepEqual(read(folder), {
      inventory: 'i.yaml',
      matrix: ['client-to-dc', 'mine.yaml', '/abs/other.yaml'],
      out: 'deep/out',
      domain: 'a.test',
    });
    assert.deepEqual(read('/elsewhere'), {
      inventory: join(folder, 'i.yaml'),
      matrix: ['client-to-dc', join(folder, 'mine.yaml'), '/abs/other.yaml'],
      out: join(folder, 'deep/out'),
      domain: 'a.test',
    });
  });
});

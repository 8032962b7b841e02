/** The facts that the local endpoint goes by are those of the SDK that is installed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as sdk from '@aws-sdk/client-ssm';
import { breachesOf, describeBreaches, operations, shapes } from '../support/aws/model.ts';

/** A structure as the SDK's own schema has it: names of the members, required ones first, and how many those are. */
interface SdkStructure {
  readonly names: readonly string[];
  readonly types: readonly unknown[];
  readonly required: number;
}

const exported: Readonly<Record<string, unknown>> = sdk;
/** What the SDK's schemas call scalars, and lists and maps of them; other members are schemas of their own. */
const codes: Readonly<Record<string, readonly number[]>> = {
  string: [0],
  enum: [0],
  integer: [1],
  long: [1],
  boolean: [2],
  timestamp: [4],
  list: [64],
  map: [128, 129],
};

function structureOf(name: string): SdkStructure {
  const schema = exported[`${name}$`];
  assert.ok(Array.isArray(schema), `the SDK has no schema ${name}`);
  const [, , , , names, types, required = 0]: unknown[] = schema;
  assert.ok(Array.isArray(names) && Array.isArray(types) && typeof required === 'number');
  return { names: names.map(String), types, required };
}

describe('the facts of the model', () => {
  for (const [name, { input, output, errors }] of operations) {
    it(`know ${name} as the SDK does: what goes in, what comes out, which errors`, () => {
      const schema = exported[`${name}$`];
      assert.ok(Array.isArray(schema));
      const [, , , , takes, gives]: unknown[] = schema;
      const named = [takes, gives].map((one: unknown) => (typeof one === 'function' ? one() : one)[2]);
      assert.deepEqual(named, [input, output]);
      for (const error of errors) assert.equal(typeof exported[error], 'function', error);
    });
  }

  const structures = [...shapes].flatMap(([name, shape]) => (shape.type === 'structure' ? [{ name, members: shape.members }] : []));
  for (const { name, members } of structures) {
    it(`have the members of ${name} that the SDK has, of the same types, and require the same`, () => {
      const { names, types, required } = structureOf(name);
      assert.deepEqual([...members.keys()].sort(), [...names].sort());
      const demanded = [...members].filter(([, { isRequired }]) => isRequired).map(([member]) => member);
      assert.deepEqual(demanded.sort(), names.slice(0, required).sort());
      for (const [index, type] of types.entries()) {
        const shape = shapes.get(members.get(names[index] ?? '')?.shape ?? '');
        if (typeof type === 'number')
          assert.ok(codes[shape?.type ?? '']?.includes(type), `${name}.${names[index]} is ${type}, and not ${shape?.type}`);
      }
    });
  }

  const cases: readonly [string, string, unknown, string][] = [
    ['a bound of a text', 'Comment', 'x'.repeat(101), 'have length less than or equal to 100'],
    ['a bound of a number', 'TimeoutSeconds', 29, 'have value greater than or equal to 30'],
    ['a bound of a list', 'InstanceIdList', Array.from({ length: 51 }, () => `i-${'0'.repeat(17)}`), 'have length less than or equal to 50'],
    ['a pattern, and the whole of it', 'InstanceId', `i-${'0'.repeat(18)}`, 'satisfy regular expression pattern'],
    ['the words of an enumeration', 'DocumentHashType', 'Md5', 'satisfy enum value set: [Sha256, Sha1]'],
    ['a member that is missing', 'Target', { Key: '' }, 'have length greater than or equal to 1'],
    ['a member that has to be there', 'SendCommandRequest', {}, 'not be null'],
  ];
  for (const [name, shape, value, demand] of cases) {
    it(`refuse ${name}`, () => {
      const breaches = breachesOf(shape, value);
      assert.deepEqual(
        breaches.map(({ kind }) => kind),
        ['limit'],
      );
      assert.ok(describeBreaches(breaches).includes(demand), describeBreaches(breaches));
    });
  }

  it('tell a value of another type, or a member that is unknown, from a broken limit', () => {
    assert.deepEqual(
      breachesOf('Comment', 1).map(({ kind }) => kind),
      ['type'],
    );
    assert.deepEqual(
      breachesOf('CancelCommandResult', { Status: 'x' }).map(({ kind }) => kind),
      ['type'],
    );
  });
});

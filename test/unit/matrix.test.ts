import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { probes, rpcInterfaces, type Transport } from '../../agent/contract/probe.ts';
import { findMatrix, type Matrix, publishedMatrices, type Rule } from '../../src/matrix.ts';
import { packageRoot } from '../../src/package-root.ts';
import { UsageError } from '../../src/usage-error.ts';
import { folderWith } from '../support/temporary-folder.ts';

/** One row of a published table: its transports, port and direction. */
type Row = readonly [row: number, transports: 'T' | 'U' | 'TU', port: string, direction: Rule['direction']];

// The published tables, row by row, typed off the page and not off the YAML.
const tables: Readonly<Record<string, readonly Row[]>> = {
  'dc-to-dc': [
    [1, 'TU', '53', 'both'],
    [2, 'TU', '88', 'both'],
    [3, 'U', '123', 'both'],
    [4, 'T', '135', 'both'],
    [5, 'U', '137', 'both'],
    [6, 'U', '138', 'both'],
    [7, 'T', '139', 'both'],
    [8, 'TU', '389', 'both'],
    [9, 'TU', '445', 'both'],
    [10, 'TU', '464', 'both'],
    [11, 'T', '636', 'both'],
    [12, 'T', '3268', 'both'],
    [13, 'T', '3269', 'both'],
    [14, 'T', '5722', 'both'],
    [15, 'T', '9389', 'both'],
    [16, 'T', '49152-65535', 'both'],
    [17, 'U', '49152-65535', 'both'],
  ],
  'client-to-dc': [
    [1, 'T', '53', 'forward'],
    [2, 'U', '53', 'forward'],
    [3, 'T', '88', 'forward'],
    [4, 'U', '88', 'forward'],
    [5, 'U', '123', 'forward'],
    [6, 'T', '135', 'forward'],
    [7, 'U', '137', 'forward'],
    [8, 'U', '138', 'forward'],
    [9, 'T', '389', 'forward'],
    [10, 'U', '389', 'forward'],
    [11, 'T', '445', 'forward'],
    [12, 'T', '464', 'forward'],
    [13, 'U', '464', 'forward'],
    [14, 'T', '636', 'forward'],
    [15, 'T', '3268', 'forward'],
    [16, 'T', '3269', 'forward'],
    [17, 'T', '9389', 'forward'],
    [18, 'T', '49152-65535', 'forward'],
  ],
  'bastion-to-dc': [
    [1, 'T', '443', 'forward'],
    [2, 'U', '3389', 'forward'],
    [3, 'T', '3389', 'forward'],
    [4, 'T', '5985', 'both'],
    [5, 'T', '5985', 'both'],
  ],
};

/** What the corrections change, field by field: rule id to what stands in the corrected rule and differs from the published one. */
const corrections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'dc-to-dc/dns': { when: ['dns'] },
  'dc-to-dc/netbios-name': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'dc-to-dc/netbios-datagram': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'dc-to-dc/netbios-session': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'dc-to-dc/smb-udp': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'dc-to-dc/ldaps': { when: ['ldaps'] },
  'dc-to-dc/global-catalog': { when: ['gc'] },
  'dc-to-dc/global-catalog-tls': { when: ['gc', 'ldaps'] },
  'dc-to-dc/dfsr-2008': { when: ['dfsr-2008'] },
  'dc-to-dc/rpc-dynamic': { probe: 'rpc', after: ['endpoint-mapper'], interfaces: ['drsuapi', 'netlogon', 'samr', 'lsarpc', 'dfsr'] },
  'dc-to-dc/udp-dynamic': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'client-to-dc/dns': { when: ['dns'] },
  'client-to-dc/dns-udp': { when: ['dns'] },
  'client-to-dc/netbios-name': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'client-to-dc/netbios-datagram': { requirement: 'legacy', reverseRequirement: 'legacy' },
  'client-to-dc/ldaps': { when: ['ldaps'] },
  'client-to-dc/global-catalog': { when: ['gc'] },
  'client-to-dc/global-catalog-tls': { when: ['gc', 'ldaps'] },
  'client-to-dc/adws': { requirement: 'optional', reverseRequirement: 'optional' },
  'client-to-dc/rpc-dynamic': { probe: 'rpc', after: ['endpoint-mapper'], interfaces: ['netlogon', 'samr', 'lsarpc', 'drsuapi'] },
  'bastion-to-dc/rdgw': { when: ['rdgw'] },
  'bastion-to-dc/rdp-udp': { requirement: 'optional', reverseRequirement: 'optional' },
  'bastion-to-dc/winrm-tls': { ports: [{ first: 5986, last: 5986, transport: 'tcp' }], probe: 'winrm-tls', reverseRequirement: 'optional' },
  'bastion-to-dc/winrm': { reverseRequirement: 'optional' },
};

const shipped = (name: string, asPublished: boolean): Matrix => findMatrix(name, { cwd: '/', asPublished });
/** The rules that stand for rows of the published table. */
const rowsOf = (name: string, asPublished: boolean): readonly Rule[] => shipped(name, asPublished).rules.filter(({ row }) => row !== undefined);
const minimal = 'matrix: small\nfrom: client\nto: dc\nrules:\n  - {id: ldap, ports: [389/tcp], probe: ldap}\n';

describe('the matrices that come with the package', () => {
  for (const [name, table] of Object.entries(tables)) {
    it(`${name} as published asks exactly the ports and directions of the published table`, () => {
      const expected = table.flatMap(([row, transports, port, direction]) =>
        transportsOf(transports).map((transport) => [row, `${port}/${transport}`, direction]),
      );
      const actual = rowsOf(name, true).flatMap((rule) => portTexts(rule).map((port) => [rule.row, port, rule.direction]));
      assert.deepEqual(actual.map(String).sort(), expected.map(String).sort());
    });

    it(`${name} as published asks everything everywhere, and the corrected one differs exactly where a correction says so`, () => {
      const corrected = rowsOf(name, false);
      for (const [index, rule] of rowsOf(name, true).entries()) {
        assert.equal(rule.requirement, 'required', rule.id);
        assert.equal(rule.reverseRequirement, 'required', rule.id);
        assert.deepEqual(rule.when, [], rule.id);
        assert.deepEqual(differences(corrected[index], rule), corrections[`${name}/${rule.id}`] ?? {}, rule.id);
      }
    });

    it(`${name} says where it is published, and why each correction is one`, () => {
      for (const rule of rowsOf(name, false)) {
        assert.match(rule.source, /^https:\/\/aws\.amazon\.com\/blogs\/security\//);
        if (corrections[`${name}/${rule.id}`] !== undefined) assert.match(rule.note ?? '', /.{20}\.$/, rule.id);
      }
    });
  }

  it('what stands in them beside the published rows has a source of its own, a condition, and never fails', () => {
    const ours = Object.keys(tables).flatMap((name) => shipped(name, false).rules.filter(({ row, size }) => row === undefined && size === undefined));
    assert.deepEqual(
      ours.map(({ id, when, requirement }) => [id, when, requirement]),
      [['smb-quic', ['smb-over-quic'], 'optional']],
    );
    for (const { source } of ours) assert.match(source, /^https:\/\/learn\.microsoft\.com\//);
  });

  it('they are the ones on disk, by name', () => {
    for (const name of Object.keys(tables)) assert(publishedMatrices().includes(name), name);
    for (const name of publishedMatrices()) assert.equal(shipped(name, false).name, name);
  });

  it('a join of Windows depends on the minimum that its troubleshooting guide names, and not on more', () => {
    const decisive = shipped('client-to-dc', false).rules.filter(({ purposes }) => purposes.includes('join-windows'));
    const ports = ['53/tcp', '53/udp', '389/tcp', '389/udp', '88/tcp', '135/tcp', '445/tcp', '49152-65535/tcp'];
    assert.deepEqual(decisive.flatMap(portTexts).sort(), ports.sort());
  });

  it('endpoints are asked by name over HTTPS, each with a page that says so', () => {
    for (const name of ['ssm-endpoints', 'signin-endpoints']) {
      const { to, rules } = shipped(name, false);
      assert.equal(to, undefined, name);
      for (const rule of rules) {
        assert.deepEqual([rule.probe, portTexts(rule), rule.direction], ['https', ['443/tcp'], 'forward'], rule.id);
        assert.match(rule.source, /^https:\/\/(docs\.aws\.amazon|learn\.microsoft)\.com\//, rule.id);
        assert.match(rule.to?.name ?? '', /^[a-z0-9.{}-]+$/, rule.id);
      }
    }
  });

  it('only published tables are asked without being named, and every forbidden row has its control before it', () => {
    for (const matrix of publishedMatrices().map((name) => shipped(name, false))) {
      const forbidding = matrix.rules.filter(({ expect }) => !expect.includes('open'));
      assert.ok(matrix.onRequest || forbidding.length === 0, matrix.name);
      // The control of a name is another source, which no matrix can bring along.
      for (const { id, after } of forbidding.filter(({ to }) => to === undefined)) {
        const controls = matrix.rules.filter((rule) => after.includes(rule.id) && rule.expect.includes('open') && probes[rule.probe].identifies);
        assert.ok(controls.length > 0, `${matrix.name}/${id}`);
      }
    }
  });

  it('Systems Manager needs its own endpoint and that of its messages, and every other one for something', () => {
    const { rules } = shipped('ssm-endpoints', false);
    assert.deepEqual(
      rules.map(({ id, to }) => [id, to?.name]),
      ['ssm', 'ssmmessages', 'ec2messages', 's3', 'ec2', 'logs', 'kms'].map((id) => [id, `${id}.{region}.amazonaws.com`]),
    );
    const decisive = rules.filter(({ requirement }) => requirement === 'required');
    assert.deepEqual(
      decisive.map(({ id, purposes }) => [id, purposes]),
      [
        ['ssm', ['ssm']],
        ['ssmmessages', ['ssm']],
      ],
    );
    for (const { id, requirement, purposes, note } of rules) {
      if (requirement === 'optional') assert.deepEqual([purposes.length, (note ?? '').length > 20], [0, true], id);
    }
  });

  it('hardening forbids remote management and NetBIOS to clients', () => {
    assert.deepEqual(
      shipped('hardening', false).rules.map((rule) => [...portTexts(rule), rule.expect.join()]),
      [
        ['389/tcp', 'open'],
        ['3389/tcp', 'filtered'],
        ['5985/tcp', 'filtered'],
        ['5986/tcp', 'filtered'],
        ['139/tcp', 'closed,filtered'],
      ],
    );
  });

  it('hardening-internet forbids 80 and 443 of the internet to DCs, whatever way they are shut', () => {
    const { rules, onRequest, from } = shipped('hardening-internet', false);
    assert.deepEqual([from, onRequest], [['dc'], true]);
    assert.deepEqual(
      rules.map((rule) => [rule.to?.name, ...portTexts(rule), rule.probe, rule.expect.join()]),
      ['www.example.com', 'www.iana.org'].flatMap((name) => [
        [name, '443/tcp', 'https', 'blocked'],
        [name, '80/tcp', 'tcp', 'blocked'],
      ]),
    );
  });

  it('what no published table has is optional, says why it is asked, and is left out as published', () => {
    const sizes = ['locator-1232', 'dns-udp-1452', 'kerberos-udp-1452', 'kerberos-udp-2000', 'ldap-4000', 'ldap-reply'];
    for (const name of ['client-to-dc', 'dc-to-dc']) {
      const own = shipped(name, false).rules.filter(({ row, id }) => row === undefined && id !== 'smb-quic');
      assert.deepEqual(
        own.map(({ id }) => id),
        sizes,
      );
      for (const { requirement, reverseRequirement, note = '', size, purposes, id } of own) {
        assert.deepEqual([requirement, reverseRequirement, purposes], ['optional', 'optional', []], id);
        assert.match(note, /.{20}\.$/, id);
        assert.ok(size !== undefined, id);
      }
      assert.ok(shipped(name, true).rules.every(({ id }) => !sizes.includes(id)));
    }
  });

  it('no published matrix asks for a long answer over UDP, which is what reflectors are abused for', () => {
    for (const { size, ports, id } of publishedMatrices().flatMap((name) => shipped(name, false).rules)) {
      assert.ok(size?.of !== 'reply' || ports.every(({ transport }) => transport === 'tcp'), id);
    }
  });

  it('whoever needs an answer stands after the rule that gives it', () => {
    for (const { rules, name } of publishedMatrices().map((matrix) => shipped(matrix, false))) {
      for (const [index, rule] of rules.entries()) {
        for (const id of rule.after) assert(rules.findIndex((other) => other.id === id) < index, `${name}/${rule.id}`);
      }
    }
  });
});

describe('reading a matrix', () => {
  it('fills in the defaults that the schema documents', (t) => {
    const { rules, title, source } = readText(t, minimal);
    const [rule] = rules;
    const documented = new Map(
      Object.entries(at(schemaOf('matrix'), '$defs', 'rule', 'properties')).map(([field, schema]) => [field, at(schema)['default']]),
    );
    for (const field of ['direction', 'requirement', 'when', 'expect', 'after', 'sample', 'usage', 'purposes', 'symptoms'] as const) {
      assert.deepEqual(rule?.[field], documented.get(field), field);
    }
    for (const [limit, schema] of Object.entries(at(schemaOf('matrix'), '$defs', 'rule', 'properties', 'limits', 'properties'))) {
      assert.equal(at(rule?.limits)[limit], at(schema)['default'], limit);
    }
    assert.deepEqual([rule?.reverseRequirement, rule?.traffic, rule?.interfaces, title], ['required', 'ldap', [], 'small']);
    assert.equal(rule?.source, source);
    assert.match(source, /matrix\.yaml$/);
  });

  it('a requirement holds for the way back too, unless the rule says otherwise', (t) => {
    const { rules } = readText(
      t,
      `${minimal}  - {id: a, ports: [1/tcp], probe: tcp, direction: both, requirement: legacy}\n  - {id: b, ports: [2/tcp], probe: tcp, direction: both, reverseRequirement: optional}\n`,
    );
    assert.deepEqual(
      rules.slice(1).map(({ requirement, reverseRequirement }) => [requirement, reverseRequirement]),
      [
        ['legacy', 'legacy'],
        ['required', 'optional'],
      ],
    );
  });

  it('one feature and a list of features are the same kind of condition', (t) => {
    const { rules } = readText(
      t,
      `${minimal}  - {id: a, ports: [1/tcp], probe: tcp, when: gc}\n  - {id: b, ports: [2/tcp], probe: tcp, when: [gc, ldaps]}\n`,
    );
    assert.deepEqual(
      rules.map(({ when }) => when),
      [[], ['gc'], ['gc', 'ldaps']],
    );
  });

  it('a row that the published table does not have is left out as published', (t) => {
    const text = `${minimal}  - {id: large, ports: [389/tcp], probe: ldap, after: [ldap], size: 4000, published: null}\n`;
    assert.deepEqual(
      [false, true].map((asPublished) => readText(t, text, asPublished).rules.map(({ id }) => id)),
      [['ldap', 'large'], ['ldap']],
    );
  });

  it('a size is one of the request or of the reply', (t) => {
    const rule = (field: string): string => `  - {id: ${field.toLowerCase()}, ports: [389/tcp], probe: ldap, after: [ldap], ${field}: 1500}\n`;
    assert.deepEqual(
      readText(t, `${minimal}${rule('size')}${rule('replySize')}`).rules.map(({ size }) => size),
      [undefined, { of: 'request', bytes: 1_500 }, { of: 'reply', bytes: 1_500 }],
    );
  });

  it('the same check twice is allowed only as published', (t) => {
    const text = `${minimal}  - {id: twin, ports: [636/tcp], probe: ldap, published: {ports: [389/tcp], note: it was printed twice}}\n`;
    assert.deepEqual(readText(t, text, true).rules.map(portTexts), [['389/tcp'], ['389/tcp']]);
    assert.deepEqual(readText(t, text, false).rules.map(portTexts), [['389/tcp'], ['636/tcp']]);
  });

  it('a mistake in a published field is found without --as-published too', (t) => {
    const text = `${minimal}  - {id: b, ports: [2/tcp], probe: tcp, published: {ports: [3-2/tcp], note: printed backwards}}\n`;
    assert.throws(() => readText(t, text, false), /rules\[1\]\.published\.ports\[0\] is "3-2\/tcp", expected the lower port first, 2-3\/tcp$/);
  });

  it('a note about the correction goes with the corrected rule, a remark on the row with both', (t) => {
    const text = `${minimal.trimEnd().replace('}', ', note: a remark}')}\n  - {id: b, ports: [2/tcp], probe: tcp, requirement: legacy, published: {requirement: required, note: nobody listens}}\n`;
    assert.deepEqual(
      [false, true].map((asPublished) => readText(t, text, asPublished).rules.map(({ note }) => note)),
      [
        ['a remark', 'nobody listens'],
        ['a remark', undefined],
      ],
    );
  });

  it('the hash is that of the bytes, as `sha256sum` prints it', (t) => {
    assert.equal(readText(t, minimal).sha256, 'dea8df2b7df2eceb0ee4c1313e8911707da42c54ee4adac2d6db7d3cd4af0fb6');
  });
});

describe('finding a matrix', () => {
  it('what has a slash or the ending of a file is a path from the working directory', (t) => {
    const cwd = folderWith(t, {
      'own.yaml': minimal,
      'own.json': JSON.stringify({ matrix: 'json', from: 'a', to: 'b', rules: [{ id: 'x', ports: ['1/tcp'], probe: 'tcp' }] }),
    });
    const name = (path: string): string => findMatrix(path, { cwd, asPublished: false }).name;
    assert.deepEqual(['own.yaml', './own.yaml', join(cwd, 'own.yaml'), 'own.json'].map(name), ['small', 'small', 'small', 'json']);
  });

  it('an unknown name is the mistake of the user, who is told the nearest one', () => {
    assert.throws(() => shipped('dc-to-cd', false), {
      name: UsageError.name,
      message: /^there is no matrix "dc-to-cd" \(did you mean "dc-to-dc"\?\), expected one of bastion-to-dc, /,
    });
    assert.throws(() => shipped('../matrices/dc-to-dc', false), UsageError);
  });
});

describe('the schema of matrices', () => {
  it('knows the probes and RPC interfaces that the agent knows, and no others', () => {
    const definitions = at(schemaOf('matrix'), '$defs');
    assert.deepEqual(at(definitions, 'probe')['enum'], Object.keys(probes));
    assert.deepEqual(at(definitions, 'rule', 'properties', 'interfaces', 'items')['enum'], rpcInterfaces);
    assert.deepEqual(Object.keys(at(schemaOf('inventory'), '$defs', 'rpc', 'properties')), rpcInterfaces);
  });

  for (const kind of ['matrix', 'inventory']) {
    it(`every property of ${kind}.schema.json is described, and whatever can be wrong says what was expected`, () => {
      for (const [path, schema] of subschemas(schemaOf(kind), '')) {
        if (/\/properties\/\w+$/.test(path) && schema['$ref'] === undefined) assert.equal(typeof schema['description'], 'string', path);
        if (schema['type'] !== undefined) assert.equal(typeof schema['expected'], 'string', path);
        // A mapping by names of the user's own has a schema for its values.
        if (schema['type'] === 'object')
          assert.ok(schema['additionalProperties'] === false || typeof schema['additionalProperties'] === 'object', path);
      }
    });
  }
});

type Json = Readonly<Record<string, unknown>>;

function transportsOf(transports: Row[1]): readonly Transport[] {
  return transports === 'TU' ? ['tcp', 'udp'] : [transports === 'T' ? 'tcp' : 'udp'];
}

function portTexts({ ports }: Rule): readonly string[] {
  return ports.map(({ first, last, transport }) => `${first === last ? first : `${first}-${last}`}/${transport}`);
}

function differences(one: Rule | undefined, other: Rule): Json {
  const [left, right] = [at(one), at(other)];
  return Object.fromEntries(Object.keys(left).flatMap((key) => (key === 'note' || same(left[key], right[key]) ? [] : [[key, left[key]]])));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function readText(t: TestContext, text: string, asPublished = false): Matrix {
  return findMatrix('matrix.yaml', { cwd: folderWith(t, { 'matrix.yaml': text }), asPublished });
}

function schemaOf(kind: string): Json {
  return at(JSON.parse(readFileSync(join(packageRoot, 'matrices', `${kind}.schema.json`), 'utf8')));
}

function at(value: unknown, ...path: readonly string[]): Json {
  const found = path.reduce<unknown>((inside, key) => at(inside)[key], value);
  assert(typeof found === 'object' && found !== null, path.join('.'));
  return { ...found };
}

function* subschemas(schema: Json, path: string): Generator<readonly [string, Json]> {
  yield [path, schema];
  for (const group of ['properties', '$defs']) {
    for (const [name, inner] of Object.entries(schema[group] ?? {})) yield* subschemas(at(inner), `${path}/${group}/${name}`);
  }
  if (schema['items'] !== undefined) yield* subschemas(at(schema, 'items'), `${path}/items`);
}

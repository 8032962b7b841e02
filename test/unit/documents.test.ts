import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type ProbeName, probes, traitsOf } from '../../agent/contract/probe.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { readInventory } from '../../src/inventory.ts';
import { readMatrix } from '../../src/matrix.ts';
import { seenAnswering } from '../../src/reporters/seen.ts';
import { checkout } from '../support/binary.ts';
import { anchorsOf, type Block, blocksOf, documents, linksOf, textOf } from '../support/documents.ts';
import { folderWith } from '../support/temporary-folder.ts';

for (const document of documents) {
  test(`${document}: every link leads to a file that is there, and to a heading in it`, () => {
    const broken = linksOf(document)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? document : join(dirname(document), path);
        if (!existsSync(join(checkout, file))) return true;
        return anchor !== undefined && !anchorsOf(file).includes(anchor);
      });
    assert.deepEqual(broken, []);
  });
}

const yamlBlocks = documents.flatMap((document) => blocksOf(document).filter(({ language }) => language === 'yaml'));

describe('what the documents show as YAML is right as it stands', () => {
  for (const block of yamlBlocks) test(block.place, (t) => read(block, folderWith(t, { 'corp-ca.pem': '' })));
});

/** Reads a whole file as its kind; a fragment as a part of an inventory that has the hosts and sites that it names. */
function read({ text }: Block, folder: string): void {
  const value: unknown = parse(text);
  assert.ok(typeof value === 'object' && value !== null);
  const file = join(folder, 'block.yaml');
  if ('matrix' in value) {
    writeFileSync(file, text);
    assert.ok(readMatrix(file, false).rules.length > 0);
  } else if ('hosts' in value) {
    // The CA bundle is somebody else's.
    writeFileSync(file, text.replace(/^authorities:.*\n/m, ''));
    assert.ok(readInventory(file).hosts.length > 0);
  } else if (text.startsWith('# portmatrix.config.yaml')) {
    writeFileSync(file, text);
    assert.ok(readConfiguration(file, folder).settings.size > 0);
  } else {
    const names = [...text.matchAll(/host: ([\w-]+)/g)].map(([, name = '']) => name);
    const sites = [...text.matchAll(/site: ([\w-]+)/g)].map(([, site = '']) => site);
    const hosts = [...names.map((name) => ({ name })), ...[...new Set(sites)].map((site) => ({ name: `a-${site}`, site }))];
    const written = hosts.map((host, index) => ({ ...host, address: `192.0.2.${index + 1}`, roles: ['dc'] }));
    writeFileSync(file, `${text}\nhosts: ${JSON.stringify(written)}\n`);
    const { links, except } = readInventory(file);
    assert.ok(links.length + except.length > 0);
  }
}

test('the mistake that README shows is told in just these words', (t) => {
  const readme = textOf('README.md');
  const [, message = ''] = /`(mine\.yaml:\d+:\d+: [^`]+)`/.exec(readme) ?? [];
  const block = blocksOf('README.md').find(({ text }) => text.startsWith('# mine.yaml'));
  assert.ok(message !== '' && block !== undefined);
  const folder = folderWith(t, { 'mine.yaml': block.text.replace('certificateDays: 30', 'certificateDays: soon') });
  assert.throws(
    () => readMatrix(join(folder, 'mine.yaml'), false),
    (error: Error) => {
      assert.equal(error.message.replace(`${folder}/`, ''), message);
      return true;
    },
  );
});

test('README says of every probe on what it was seen, as the data have it', () => {
  const rows = [...textOf('README.md').matchAll(/^\| (`[a-z`, -]+`) +\|.*\|(.*)\|(.*)\|$/gm)];
  const said = rows.flatMap(([, names = '', silence = '', seen = '']) =>
    [...names.matchAll(/`([a-z-]+)`/g)].map(([, name = '']): [string, string] => [name, `${silence.trim()}; ${seen.trim()}`]),
  );
  // One row tells of two: its text names the other.
  const table: Readonly<Record<string, string>> = { 'cifs-ticket': Object.fromEntries(said)['ldap-ticket'] ?? '', ...Object.fromEntries(said) };
  for (const probe of Object.keys(probes).filter((name): name is ProbeName => name in probes)) {
    const { identifies, silence } = traitsOf(probe);
    const seen = seenAnswering(probe).join(', ');
    const expected = `${silence === 'failure' ? 'a fault' : 'says nothing'}; ${identifies ? seen || 'nothing yet' : '–'}`;
    assert.equal(table[probe], expected, probe);
  }
});

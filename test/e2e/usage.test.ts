/** The user's mistakes: exit 2, one message that names place, value and what was expected, no stack, and nothing sent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { checkout, onScene, portmatrix, sceneOf } from '../support/binary.ts';
import { publishedMatrices } from '../../src/matrix.ts';

interface Mistake {
  readonly words?: readonly string[];
  readonly inventory?: string | Uint8Array;
  readonly matrix?: string | Uint8Array;
  readonly says: RegExp;
}

const someHost = '{name: near1, address: 127.0.0.9, roles: [near], connector: local}';
const hostAt = (address: string): string => `hosts:\n  - ${someHost}\n  - {name: far1, address: ${address}, roles: [far]}\n`;
const matrixOf = (rules: string): string => `matrix: mine\nfrom: near\nto: far\nrules: ${rules}\n`;
const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from('bcdefghi', (letter, index) => `${letter}: &${letter} [${`*${'abcdefgh'[index]}, `.repeat(9)}]\n`).join('')}`;

const run = ['run', ...onScene];
const mistakes: Readonly<Record<string, Mistake>> = {
  'an unknown key in a matrix': { matrix: `${matrixOf('[{id: a, ports: [1/tcp], probe: tcp}]')}colour: red\n`, says: /mine\.yaml:5:1: .*colour/ },
  'an unknown key in an inventory': { inventory: `${hostAt('127.0.0.1')}colour: red\n`, says: /inventory\.yaml:4:1: .*colour/ },
  'a port that is none': { matrix: matrixOf('[{id: a, ports: [99999/tcp], probe: tcp}]'), says: /mine\.yaml:4:\d+: .*99999.*expected/ },
  'an unknown probe': { matrix: matrixOf('[{id: a, ports: [1/tcp], probe: gopher}]'), says: /mine\.yaml:4:\d+: .*"gopher".*expected/ },
  'two rules of one id': {
    matrix: matrixOf('\n  - {id: a, ports: [1/tcp], probe: tcp}\n  - {id: a, ports: [2/tcp], probe: tcp}'),
    says: /mine\.yaml:6:\d+: .*"a".*expected/,
  },
  'two hosts of one name': { inventory: `hosts: [${someHost}, ${someHost}]\n`, says: /inventory\.yaml:1:\d+: .*near1.*expected/ },
  'the address 10.1': { inventory: hostAt("'10.1'"), says: /inventory\.yaml:3:\d+: .*"10\.1".*expected/ },
  'the address 10.0.0.999': { inventory: hostAt('10.0.0.999'), says: /inventory\.yaml:3:\d+: .*10\.0\.0\.999.*expected/ },
  'the address 0x7f.1': { inventory: hostAt('0x7f.1'), says: /inventory\.yaml:3:\d+: .*0x7f\.1.*expected/ },
  'a matrix without rules': { matrix: matrixOf('[]'), says: /mine\.yaml:4:\d+: .*rules.*expected/ },
  'an empty matrix file': { matrix: '', says: /mine\.yaml:1:1: .*expected/ },
  'an empty inventory file': { inventory: '', says: /inventory\.yaml:1:1: .*expected/ },
  'an inventory without hosts': { inventory: 'hosts: []\n', says: /inventory\.yaml:1:\d+: .*hosts.*expected/ },
  'a YAML alias bomb': { matrix: bomb, says: /mine\.yaml:\d+:\d+: .*alias/ },
  'YAML that does not parse': { matrix: 'matrix: [\n', says: /mine\.yaml:\d+:\d+: / },
  'a binary file': { inventory: new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), says: /inventory\.yaml.*binary/ },
  'a file that is not UTF-8': { inventory: new Uint8Array([0x68, 0xff, 0x41]), says: /inventory\.yaml.*UTF-8/ },
  'a directory as inventory': { words: ['run', '-i', 'folder', '-m', 'mine.yaml'], says: /folder.*directory/ },
  'a directory as matrix': { words: ['run', '-i', 'inventory.yaml', '-m', './folder'], says: /folder.*directory/ },
  'a file that is not there': { words: ['run', '-i', 'nowhere.yaml'], says: /nowhere\.yaml.*no such file/ },
  'an empty file name': { words: ['run', '-i', ''], says: /directory/ },
  'no inventory': { words: ['run'], says: /--inventory is missing/ },
  'a role that nobody has': {
    words: ['run', '-i', 'inventory.yaml', '-m', 'client-to-dc'],
    says: /"client".*no host has it: the roles here are near, far/,
  },
  'roles that no published matrix has': { words: ['run', '-i', 'inventory.yaml'], says: /no published matrix fits.*near, far: expected/ },
  'an unknown matrix': {
    words: ['run', '-i', 'inventory.yaml', '-m', 'client-to-cd'],
    says: /"client-to-cd".*did you mean "client-to-dc".*expected/,
  },
  'an unknown source': { words: [...run, '--source', 'nobody'], says: /--source "nobody".*expected one of near1, far1/ },
  'an unknown destination': { words: [...run, '--destination', 'nobody'], says: /--destination "nobody".*expected one of/ },
  'an unknown rule': { words: [...run, '--rule', 'nothing'], says: /--rule "nothing".*expected one of web/ },
  'an empty source, which would mean all': { words: [...run, '--source', ''], says: /--source "".*expected/ },
  'an empty matrix name, which would mean all that fit': { words: ['run', '-i', 'inventory.yaml', '-m', ''], says: /--matrix "".*expected/ },
  'a source that can only be asked': { words: [...run, '--source', 'far1'], says: /nothing to ask/ },
  'an unknown option': { words: [...run, '--nope'], says: /no option "--nope" here .*--help/ },
  'an unknown command': { words: ['rnu'], says: /no command "rnu" here, did you mean "run"\? .*--help/ },
  'a mistyped command': { words: ['prefligth'], says: /no command "prefligth" here, did you mean "preflight"\? .*--help/ },
  'a mistyped command with options of its own': {
    words: ['prefligth', '--domain', 'a.test'],
    says: /no command "prefligth" here, did you mean "preflight"\?/,
  },
  'a mistyped option without a command': { words: ['--verison'], says: /no option "--verison" here, did you mean "--version"\?/ },
  'options without a command': { words: ['--domain', 'a.test'], says: /a command is missing/ },
  'a mistyped command of matrix': { words: ['matrix', 'lsit'], says: /no command "lsit" here, did you mean "list"\? .*--help/ },
  'a mistyped option': { words: [...run, '--tiemout-ms', '300'], says: /no option "--tiemout-ms" here, did you mean "--timeout-ms"\? .*--help/ },
  'a mistyped option that must be there': { words: ['run', '--invetory', 'x'], says: /no option "--invetory" here, did you mean "--inventory"\?/ },
  'an option of one letter': { words: [...run, '-x'], says: /no option "-x" here .*--help/ },
  'no command': { words: [], says: /a command is missing: expected demo, init, .*portmatrix demo shows it at work/ },
  'a word too many': { words: [...run, 'extra'], says: /no word "extra" here .*--help/ },
  '--concurrency abc': { words: [...run, '--concurrency', 'abc'], says: /--concurrency "abc".*expected 1 to 65535/ },
  '--concurrency 0': { words: [...run, '--concurrency', '0'], says: /--concurrency "0".*expected 1 to 65535/ },
  '--timeout-ms -1': { words: [...run, '--timeout-ms', '-1'], says: /--timeout-ms "-1".*expected 200 to 120000/ },
  '--timeout-ms twice': { words: [...run, '--timeout-ms', '300', '--timeout-ms', '400'], says: /--timeout-ms .*expected/ },
  '--attempts 1e9': { words: [...run, '--attempts', '1e9'], says: /--attempts "1e9".*expected 1 to 10/ },
  '--source-ports twice': {
    words: [...run, '--source-ports', 'os', '--source-ports', 'windows'],
    says: /--source-ports \["os","windows"\] is not a port range/,
  },
  '--source-ports 5-1': { words: [...run, '--source-ports', '5-1'], says: /--source-ports "5-1".*expected os, windows/ },
  '--pace fast': { words: [...run, '--pace', 'fast'], says: /--pace is "fast", expected one of "gentle", "normal", "bulk"/ },
  'credentials that nobody allowed': {
    matrix: matrixOf('[{id: ticket, ports: [88/tcp], probe: ldap-ticket}]'),
    says: /matrix "mine": the rule ticket uses the Kerberos credentials.*expected --kerberos/,
  },
  'a key table without its option': { words: [...run, '--keytab', '/etc/krb5.keytab'], says: /--keytab "\/etc\/krb5\.keytab".*expected --kerberos/ },
  'a key table that is nowhere in particular': {
    words: [...run, '--kerberos', '--keytab', 'krb5.keytab'],
    says: /--keytab "krb5\.keytab".*expected one like \/etc/,
  },
  '--kerberos without a DC': {
    words: [...run, '--kerberos'],
    says: /matrix "kerberos-tickets" needs a host with the role "client" or "bastion" or "dc"/,
  },
  '--format xml': { words: [...run, '--format', 'xml'], says: /--format is "xml", expected one of "table", "json", "junit"/ },
  'an option without its value': { words: [...run, '--out'], says: /"out" needs a value/ },
  'an inventory given twice': { words: [...run, '-i', 'inventory.yaml'], says: /--inventory is given 2 times, expected once/ },
  '--out twice': { words: [...run, '--out', 'a', '--out', 'b'], says: /--out is given 2 times, expected once/ },
  '--out as nothing': { words: [...run, '--out', ''], says: /--out is empty, expected a folder/ },
  '--out under a file': { words: [...run, '--out', 'mine.yaml/deep'], says: /--out .*mine\.yaml\/deep cannot be written to.*expected a folder/ },
  '--out where nothing can be made': { words: [...run, '--out', '/proc/portmatrix'], says: /--out \/proc\/portmatrix cannot be written to/ },
  '--out with a directory in the place of a file': { words: [...run, '--out', 'occupied'], says: /--out .*occupied.*junit\.xml is a directory/ },
  'terminal escapes in a name': { words: [...run, '--source', '\u001b[31mred'], says: /"\\u001b\[31mred"/ },
  'validate without a file': { words: ['validate'], says: /nothing to validate: expected -i/ },
  'matrix without a word': { words: ['matrix'], says: /expected list, show or export/ },
  'matrix export without a name': { words: ['matrix', 'export'], says: /a word is missing/ },
  'matrix export as nftables without hosts': { words: ['matrix', 'export', 'client-to-dc', '--format', 'nftables'], says: /expected -i FILE/ },
  'matrix export as csv with hosts': {
    words: ['matrix', 'export', './mine.yaml', '--format', 'csv', '-i', 'inventory.yaml'],
    says: /expected it with nftables/,
  },
  'matrix export of hosts that do not meet': {
    words: ['matrix', 'export', 'client-to-dc', '--format', 'nftables', '-i', 'inventory.yaml'],
    says: /inventory\.yaml: no two hosts of it meet in client-to-dc: expected/,
  },
  'matrix show without a name': { words: ['matrix', 'show'], says: /a word is missing/ },
  'matrix show of an unknown name': { words: ['matrix', 'show', 'nothing'], says: /"nothing", expected one of/ },
  'matrix show of the file as published': {
    words: ['matrix', 'show', 'client-to-dc', '--as-published'],
    says: /--as-published .*expected --format json/,
  },
  'words after --, which would ask for more than was meant': { words: [...run, '--', '--rule', 'web'], says: /after "--".*"--rule web"/ },
  'explain without a word': { words: ['explain'], says: /a word is missing/ },
  'explain of a rule that nobody has': { words: ['explain', 'ldpa'], says: /"ldpa".*did you mean "ldap".*expected/ },
  'explain of a check that the report does not have': {
    words: ['explain', 'client-to-dc/ldap/a->b:389/tcp', '--report', join(checkout, 'reports/examples/blocked.report.json')],
    says: /has no check "client-to-dc\/ldap\/a->b:389\/tcp", expected the id of one of its checks, like client-to-dc\/ldap\//,
  },
  'explain of a report that is not there': { words: ['explain', 'ldap', '--report', 'none.json'], says: /none\.json: cannot be read/ },
  'explain of a port that nobody asks': { words: ['explain', '390/tcp'], says: /no rule asks port "390\/tcp", expected one of/ },
  'report without a file': { words: ['report'], says: /a word is missing/ },
  'report of a matrix': { words: ['report', 'mine.yaml'], says: /mine\.yaml:1:\d+: .*expected/ },
  'report of a directory': { words: ['report', 'folder'], says: /folder: .*directory/ },
  'report of a report cut short': { words: ['report', 'short.json'], says: /short\.json:1:\d+: / },
  'report with two formats': { words: ['report', 'short.json', '--format', 'json', '--format', 'table'], says: /--format is given 2 times/ },
};

let connections = 0;
const listener = createServer((socket) => {
  connections += 1;
  socket.end();
}).listen(0, '127.0.0.1');
await once(listener, 'listening');
after(() => listener.close());
const address = listener.address();
const port = typeof address === 'object' ? address?.port : undefined;

describe('a mistake is exit 2 with one message, and nothing is sent', { concurrency: 2 }, () => {
  for (const [name, { words = run, inventory, matrix, says }] of Object.entries(mistakes)) {
    it(name, async (t) => {
      const folder = sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }]);
      for (const path of ['folder', 'occupied', 'occupied/junit.xml']) mkdirSync(join(folder, path));
      writeFileSync(join(folder, 'short.json'), '{"schema": 1, "results": [');
      if (inventory !== undefined) writeFileSync(join(folder, 'inventory.yaml'), inventory);
      if (matrix !== undefined) writeFileSync(join(folder, 'mine.yaml'), matrix);
      const { code, stdout, stderr } = await portmatrix(t, words, { cwd: folder, env: { LANG: 'de_DE.UTF-8' } });
      assert.match(stderr, says);
      assert.match(stderr, /^portmatrix: [^\n]+\n$/);
      assert.ok(!/\n\s+at /.test(stderr) && !stderr.includes('\u001b'));
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.equal(connections, 0);
    });
  }
});

it('the same scene without a mistake does send', async (t) => {
  const folder = sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }]);
  const before = connections;
  const { code, stderr } = await portmatrix(t, run, { cwd: folder });
  assert.equal(code, 0, stderr);
  assert.equal(connections, before + 1);
});

it('every published matrix is named in the message about an unknown one', async (t) => {
  const { stderr } = await portmatrix(t, ['matrix', 'show', 'x']);
  for (const name of publishedMatrices()) assert.ok(stderr.includes(name), name);
});

/** `portmatrix init`: the file that it writes, what it says, and what it never does. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Job } from '../../agent/contract/job.ts';
import type { LocateJob } from '../../agent/contract/locate.ts';
import { locate } from '../../agent/locate.ts';
import { converser } from '../../agent/runner.ts';
import type { Terminal } from '../../src/commands/command.ts';
import { type Ground, initCommand } from '../../src/commands/init.ts';
import type { Connection } from '../../src/connectors/connector.ts';
import { readInventory } from '../../src/inventory.ts';
import { portmatrix } from '../support/binary.ts';
import { surroundings } from '../support/jobs.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { serveDcs, serveZones, type Zone } from '../support/zones.ts';

// Nobody serves DNS at that address of the loopback interface, wherever this runs.
const unserved = ['--domain', 'corp.example.test', '--dns-server', '127.0.0.253'];

describe('without a DC to be found', () => {
  it('a template is written that is right as it is, and stderr says why and what comes next: exit 0', async (t) => {
    const cwd = folderWith(t, {});
    const { code, stdout, stderr } = await portmatrix(t, ['init', ...unserved], { cwd });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    assert.equal(
      stderr,
      [
        'Looking for the DCs of corp.example.test.',
        'No DC of corp.example.test was found: 127.0.0.253 refuses.',
        'Written: inventory.yaml, a template: edit what says so.',
        'Next: portmatrix validate -i inventory.yaml',
        '      portmatrix plan -i inventory.yaml',
        '      portmatrix run -i inventory.yaml',
        '',
      ].join('\n'),
    );
    const validated = await portmatrix(t, ['validate', '-i', 'inventory.yaml'], { cwd });
    assert.deepEqual({ code: validated.code, stderr: validated.stderr }, { code: 0, stderr: '' });
    const planned = await portmatrix(t, ['plan', '-i', 'inventory.yaml'], { cwd });
    assert.equal(planned.code, 0, planned.stderr);
  });

  it('--out - writes to stdout alone', async (t) => {
    const cwd = folderWith(t, {});
    const { code, stdout } = await portmatrix(t, ['init', ...unserved, '--out', '-'], { cwd });
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(cwd), []);
    writeFileSync(join(cwd, 'piped.yaml'), stdout);
    assert.equal(readInventory(join(cwd, 'piped.yaml')).domain, 'corp.example.test');
  });
});

describe('a mistake is exit 2, and nothing is asked or changed', () => {
  const mistakes = {
    'a file that is there already': { words: ['--out', 'mine.yaml'], says: /--out "mine\.yaml" is there already, and nothing is overwritten/ },
    'a folder in the place of the file': { words: ['--out', 'folder'], says: /--out "folder" is there already/ },
    'a folder that is not there': { words: ['--out', 'none/a.yaml'], says: /--out "none\/a\.yaml" cannot be written: there is no folder .*none/ },
    'a file where a folder should be': { words: ['--out', 'mine.yaml/a.yaml'], says: /--out "mine\.yaml\/a\.yaml" cannot be written: ENOTDIR/ },
    'no file name': { words: ['--out', ''], says: /--out is empty/ },
    'a domain that is none': { words: ['--domain', 'a..b'], says: /--domain "a\.\.b" is not a DNS name/ },
    'a resolver by name': { words: ['--dns-server', 'ns1'], says: /--dns-server "ns1" is not an address/ },
  } as const;
  for (const [name, { words, says }] of Object.entries(mistakes)) {
    it(name, async (t) => {
      const cwd = folderWith(t, { 'mine.yaml': 'mine' });
      mkdirSync(join(cwd, 'folder'));
      const { code, stdout, stderr } = await portmatrix(t, ['init', ...words], { cwd });
      assert.match(stderr, says);
      assert.match(stderr, /^portmatrix: [^\n]+\n$/);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.deepEqual(readdirSync(cwd).sort(), ['folder', 'mine.yaml']);
      assert.equal(readFileSync(join(cwd, 'mine.yaml'), 'utf8'), 'mine');
    });
  }
});

const domain = 'corp.example.test';
const zone: Zone = {
  [`srv _ldap._tcp.dc._msdcs.${domain}`]: [`dc1.${domain}`, `dc2.${domain}`],
  [`a dc1.${domain}`]: ['127.0.0.11'],
  [`a dc2.${domain}`]: ['127.0.0.12'],
};

/** An agent in this process, to which DNS and the LDAP ping are on ports of the test. */
async function agentOn(t: TestContext, zones: Readonly<Record<string, Zone>>): Promise<Connection> {
  const ports = { dns: await serveZones(t, zones), ldap: await serveDcs(t, ['127.0.0.11']) };
  let asked: LocateJob | undefined;
  return {
    send: (sources, job: Job | LocateJob) => {
      asked = 'kind' in job ? job : undefined;
      return Promise.resolve(sources.map(({ name }) => ({ source: name, id: name })));
    },
    collect: async function* collect() {
      if (asked === undefined) throw new Error('init sent another job than to locate');
      const job = { ...asked, timeoutMs: 400 };
      const converse = converser(job, surroundings, new AbortController().signal);
      const message = await locate(job, { converse, resolvers: Object.keys(zones), random: randomBytes, now: Date.now, ports });
      yield { source: 'client1', message };
    },
  };
}

function terminalIn(cwd: string, said: string[], stop = new AbortController()): Terminal {
  const signals = { stop: stop.signal, emergency: new AbortController().signal };
  return {
    out: (text) => Promise.resolve(void said.push(text)),
    err: (text) => void said.push(text),
    cwd,
    colour: false,
    ascii: false,
    version: '0',
    ...signals,
  };
}

const self = { name: 'client1', addresses: ['10.1.7.21'] };

describe('with DCs to be found', () => {
  it('the second search domain has them, and they are written with what they answered', async (t) => {
    const cwd = folderWith(t, {});
    const said: string[] = [];
    const ground: Ground = { self, domains: ['cloud.example.test', domain], connection: await agentOn(t, { '127.0.0.2': zone }) };
    assert.equal(await initCommand({ out: 'inventory.yaml' }, terminalIn(cwd, said), ground), 0);
    assert.deepEqual(said.slice(0, 4), [
      "Looking for the DCs of cloud.example.test, this host's DNS search domain (--domain names another).\n",
      'No DC of cloud.example.test was found: 127.0.0.2 answers NXDOMAIN.\n',
      `Looking for the DCs of ${domain}, this host's DNS search domain (--domain names another).\n`,
      'Written: inventory.yaml, 2 DCs and this host: read it before you use it.\n',
    ]);
    const { hosts } = readInventory(join(cwd, 'inventory.yaml'));
    // Whoever answers on loopback is asked from there.
    assert.deepEqual(
      hosts.map(({ name, address, site, connector }) => [name, address, site, connector.kind]),
      [
        ['client1', '127.0.0.1', 'Default-First-Site-Name', 'local'],
        ['dc1', '127.0.0.11', 'Default-First-Site-Name', 'none'],
        ['dc2', '127.0.0.12', undefined, 'none'],
      ],
    );
  });

  it('who interrupts it finds no file: exit 3', async (t) => {
    const cwd = folderWith(t, {});
    const stop = new AbortController();
    const agent = await agentOn(t, { '127.0.0.2': zone });
    const connection: Connection = {
      ...agent,
      send: (...words) => {
        // The file is there already, so that nobody else takes its name.
        assert.ok(existsSync(join(cwd, 'inventory.yaml')));
        stop.abort();
        return agent.send(...words);
      },
    };
    const said: string[] = [];
    assert.equal(await initCommand({ domain, out: 'inventory.yaml' }, terminalIn(cwd, said, stop), { self, domains: [], connection }), 3);
    assert.equal(said.at(-1), 'Interrupted: nothing was written.\n');
    assert.deepEqual(readdirSync(cwd), []);
  });

  it('a host that has no domain of its own and is told none asks nobody', async (t) => {
    const said: string[] = [];
    const connection: Connection = { send: () => Promise.reject(new Error('nobody was to be asked')), collect: async function* collect() {} };
    assert.equal(await initCommand({ out: '-' }, terminalIn(folderWith(t, {}), said), { self, domains: [], connection }), 0);
    assert.match(said.join(''), /^This host has no DNS search domain.*--domain names one\.\n# The hosts .*a template/);
  });
});

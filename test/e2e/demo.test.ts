/** The demo: its simulated forest, its injected faults, and what it leaves behind. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { validateXML } from 'xmllint-wasm';
import { demoCommand } from '../../src/commands/demo.ts';
import type { Terminal } from '../../src/commands/command.ts';
import type { Staging } from '../../src/demo/forest.ts';
import type { Report } from '../../src/report.ts';
import { bin, portmatrix, start } from '../support/binary.ts';
import { serveTcp } from '../support/loopback.ts';
import { junitSchemaFile, reportSchemaFile } from '../support/reporting.ts';
import { folderWith } from '../support/temporary-folder.ts';

const dc1 = '127.77.0.11';

/** What the demo ends with and prints when it is staged in this way. */
async function staged(t: TestContext, staging: Staging): Promise<{ readonly code: number; readonly said: string }> {
  let said = '';
  const { signal } = new AbortController();
  const terminal: Terminal = {
    out: async (text) => void (said += text),
    err: (text) => void (said += text),
    cwd: folderWith(t, {}),
    colour: false,
    ascii: true,
    version: '1.2.3',
    stop: signal,
    emergency: signal,
  };
  return { code: await demoCommand(terminal, staging), said };
}

/** Processes that have this word in their environment (Linux). */
function processesWith(word: string): readonly string[] {
  return globSync('/proc/[0-9]*/environ').filter((file) => {
    try {
      return readFileSync(file, 'latin1').includes(word);
    } catch {
      // It ended meanwhile, or is not ours.
      return false;
    }
  });
}

/** The port map that was printed: what everybody listens on in the place of each port. */
function portMap(said: string): ReadonlyMap<number, number> {
  return new Map([...said.matchAll(/(\d+) -> (\d+)/g)].map(([, port, mapped]) => [Number(port), Number(mapped)]));
}

function endingOf(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, dc1);
    socket.on('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

function reportIn(folder: string): { readonly report: Report; readonly junit: string } {
  const [run = ''] = readdirSync(join(folder, 'reports'));
  const report: Report = JSON.parse(readFileSync(join(folder, 'reports', run, 'report.json'), 'utf8'));
  assert.equal(report.run.id, run);
  return { report, junit: readFileSync(join(folder, 'reports', run, 'junit.xml'), 'utf8') };
}

describe('the demo', () => {
  it('finds the two injected faults and nothing else, says where everybody listens, and leaves nothing behind', async (t) => {
    const folder = folderWith(t, {});
    const marker = randomUUID();
    const { code, stdout, stderr } = await portmatrix(t, ['demo'], { cwd: folder, env: { DEMO_TEST: marker } });
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(processesWith(marker), []);

    const ports = portMap(stdout);
    const [ldap = 0, smb = 0, catalog = 0] = [389, 445, 3268].map((port) => ports.get(port));
    const mapped = [...ports.values()];
    assert.ok(mapped.length > 15 && mapped.every((port) => port >= 1_024), stdout);
    assert.deepEqual(new Set(await Promise.all(mapped.map(endingOf))), new Set(['ECONNREFUSED']));

    const { report, junit } = reportIn(folder);
    assert.deepEqual(
      report.results.flatMap(({ check, verdict }) => (verdict.status === 'fail' ? [`${check.id} ${verdict.finding?.code}`] : [])).sort(),
      [
        `client-to-dc/global-catalog/client->dc1:${catalog}/tcp wrong-service`,
        `client-to-dc/smb/client->dc2:${smb}/tcp no-answer`,
        `dc-to-dc/global-catalog/dc2->dc1:${catalog}/tcp wrong-service`,
        `dc-to-dc/smb/dc1->dc2:${smb}/tcp no-answer`,
      ],
    );
    const { inconclusive, error } = report.summary;
    assert.deepEqual({ inconclusive, error, emulated: report.run.emulated }, { inconclusive: 0, error: 0, emulated: true });
    assert.deepEqual(
      report.sources.map(({ name, state }) => [name, state]),
      ['dc1', 'dc2', 'client', 'bastion'].map((name) => [name, 'reported']),
    );
    const chain = report.results.find(({ check }) => check.rule === 'ldaps')?.outcome;
    assert.ok(chain?.kind === 'observed' && chain.service?.facts.certificateChain === 'trusted');
    assert.ok(report.results.some(({ check, verdict }) => check.id === `client-to-dc/ldap/client->dc2:${ldap}/tcp` && verdict.status === 'pass'));

    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(report), JSON.stringify(isValid.errors));
    const { errors } = await validateXML({ xml: { fileName: 'junit.xml', contents: junit }, schema: junitSchemaFile() });
    assert.deepEqual(errors, []);
  });

  it('stops in good order on Ctrl-C, and exits 3', async (t) => {
    const folder = folderWith(t, {});
    const marker = randomUUID();
    const { child, ended, says } = start(t, [process.execPath, bin, 'demo'], { cwd: folder, env: { DEMO_TEST: marker } });
    await says('Injected faults');
    child.kill('SIGINT');
    const { code, signal } = await ended;
    assert.deepEqual({ code, signal }, { code: 3, signal: null });
    assert.deepEqual(processesWith(marker), []);
    assert.equal(reportIn(folder).report.run.interrupted, true);
  });

  it('fails when a fault that it announces is not there, and says what differs', async (t) => {
    for (const [withheld, line] of [
      ['misplaced', /client-to-dc\/global-catalog\/client->dc1:\d+\/tcp: expected fail wrong-service, found pass/],
      ['swallowed', /dc-to-dc\/smb\/dc1->dc2:\d+\/tcp: expected fail no-answer, found pass/],
    ] as const) {
      const { code, said } = await staged(t, { withheld });
      assert.equal(code, 1, said);
      assert.match(said, line);
    }
  });

  it('has a silent UDP port where the system cannot swallow TCP, and says so', async (t) => {
    const { code, said } = await staged(t, { cannotSwallow: true });
    assert.equal(code, 0, said);
    assert.match(said, /dc2 123\/udp .*never answers/);
    assert.match(said, /does not swallow TCP/);
  });

  it('has a port map for each host where the system has only 127.0.0.1, and says so', async (t) => {
    const { code, said } = await staged(t, { isShared: true });
    assert.equal(code, 0, said);
    assert.match(said, /no loopback address but 127\.0\.0\.1/);
    assert.match(said, /Port map of dc2: port \+ \d+/);
  });

  it('moves its port map where a port is taken', async (t) => {
    const taken = await serveTcp(t, (socket) => socket.destroy(), { address: dc1, port: 20_389 }).catch(() => 20_389);
    const { code, said } = await staged(t, {});
    assert.equal(code, 0, said);
    assert.notEqual(portMap(said).get(389), taken);
  });
});

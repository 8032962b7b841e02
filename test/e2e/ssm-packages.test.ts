/**
 * Where a managed node has its agent from, through the connector against an endpoint that really runs the document: what is not the published one never runs,
 * what is missing is fetched once, and the checks of a node without an agent are in error with a word on what to do. The node beside it is judged.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tarGzip } from '../../src/archive.ts';
import type { Report } from '../../src/report.ts';
import { type Managed, packageBucket, type Places, verdicts } from '../support/managed.ts';
import { faulty, scene, type SceneOptions, sound } from '../support/managed-scene.ts';

/** A program that would say that it ran. */
const evil = '#!/bin/sh\necho evil > "$(dirname "$0")/ran"\n';

/** How often each node was told, and what to fetch. */
function told({ endpoint }: Managed): readonly string[] {
  return endpoint.calls
    .filter(({ operation }) => operation === 'SendCommand')
    .map(({ input }) => JSON.stringify({ nodes: input['InstanceIds'], fetch: Object(input['Parameters']).Fetch }));
}

const command = (nodes: readonly string[], fetch: string): string => JSON.stringify({ nodes, fetch: [fetch] });
const messageOf = ({ sources }: Report): string => sources.find(({ name }) => name === 'near2')?.message ?? '';

/** The node's folder of its own that is bound over that path has a file of this name somewhere. */
function holds(folder: string, name: string): boolean {
  return readdirSync(folder, { recursive: true }).some((entry) => String(entry).split('/').at(-1) === name);
}

describe('an agent that is not the published one never runs', { concurrency: 4 }, () => {
  interface Case {
    readonly staged: SceneOptions['staged'];
    readonly tamper: (places: Places, entry: string) => void;
    readonly says: RegExp;
    /** The node is sent the job again, to fetch the agent. */
    readonly isTold?: 'again';
  }
  const replace = (folder: string, name: string): void => {
    rmSync(join(folder, name));
    writeFileSync(join(folder, name), evil, { mode: 0o755 });
  };
  const cases: Readonly<Record<string, Case>> = {
    'whose runtime in the cache was changed': {
      staged: 'cache',
      tamper: (_, entry) => replace(entry, 'node'),
      says: /^i-0+2: the runtime on this host is not the published one \(the runtime in \S+ was not the published one, and is removed\); the next run fetches it anew/,
    },
    'whose bundle in the cache was changed': {
      staged: 'cache',
      tamper: (_, entry) => replace(entry, 'agent.cjs'),
      says: /^i-0+2: the agent on this host is not the published one \(the agent in \S+ was not the published one, and is removed\); the next run fetches it anew/,
    },
    'whose runtime in the offline folder was changed': {
      staged: 'offline',
      tamper: ({ offline }) => replace(offline, 'node'),
      says: /^i-0+2: the package could not be fetched, or what came is not the published one \(the step that downloads brought no package\); look whether .* offline folder$/,
      isTold: 'again',
    },
    'whose bundle in the offline folder was changed': {
      staged: 'offline',
      tamper: ({ offline }) => replace(offline, 'agent.cjs'),
      says: /^i-0+2: .* \(the step that downloads brought no package\); look whether .* offline folder$/,
      isTold: 'again',
    },
  };
  for (const [name, { staged, tamper, says, isTold }] of Object.entries(cases)) {
    it(name, async (t) => {
      const managed = await scene(t, { ...(staged !== undefined && { staged }) });
      const places = managed.placesOf(faulty);
      const entry = join(places.cache, managed.archive);
      tamper(places, entry);
      const report = await managed.run();
      assert.deepEqual(verdicts(report), [`near1:${managed.port} pass`, `near2:${managed.port} error not-checked source-unreachable`]);
      assert.match(messageOf(report), says);
      assert.equal(existsSync(entry), false);
      for (const folder of [places.cache, places.offline]) assert.equal(holds(folder, 'ran'), false);
      assert.deepEqual(told(managed), [
        command([sound, faulty], 'cached'),
        ...(isTold === undefined ? [] : [command([faulty], 'download-linux-x64')]),
      ]);
    });
  }

  it('and is fetched anew by the next run', async (t) => {
    const managed = await scene(t, { staged: 'cache' });
    const { cache } = managed.placesOf(faulty);
    writeFileSync(join(cache, managed.archive, 'agent.cjs'), evil);
    const content = await published(managed);
    managed.endpoint.store.put(packageBucket, managed.key, content);
    const reports = [await managed.run(), await managed.run()];
    assert.deepEqual(reports.map(verdicts), [
      [`near1:${managed.port} pass`, `near2:${managed.port} error not-checked source-unreachable`],
      [`near1:${managed.port} pass`, `near2:${managed.port} pass`],
    ]);
  });
});

/** The package as it is published, made of what the other node has. */
async function published({ placesOf, archive }: Managed): Promise<Buffer> {
  const entry = join(placesOf(sound).cache, archive);
  const content = await tarGzip([
    { name: 'node', content: readFileSync(join(entry, 'node')), isExecutable: true },
    { name: 'agent.cjs', content: readFileSync(join(entry, 'agent.cjs')) },
    { name: 'manifest.json', content: Buffer.from('{}\n') },
  ]);
  return Buffer.from(content);
}

describe('an agent that a node does not have', { concurrency: 4 }, () => {
  it('is fetched by a second command, once, and what it says is judged', async (t) => {
    const managed = await scene(t, { staged: 'cache' });
    const { run, port, endpoint, archive, key, placesOf } = managed;
    endpoint.store.put(packageBucket, key, await published(managed));
    const { cache } = placesOf(faulty);
    rmSync(join(cache, archive), { recursive: true });
    const passes = [`near1:${port} pass`, `near2:${port} pass`];
    const twice = [command([sound, faulty], 'cached'), command([faulty], 'download-linux-x64')];
    assert.deepEqual(verdicts(await run()), passes);
    assert.deepEqual(told(managed), twice);
    const gets = endpoint.calls.filter(({ operation }) => operation === 'GetObject');
    assert.deepEqual(
      gets.map(({ instance, input }) => [instance, input['Bucket'], input['Key']]),
      [[faulty, packageBucket, key]],
    );
    assert.deepEqual(readdirSync(cache).toSorted(), [archive, 'spool'].toSorted());
    assert.deepEqual(verdicts(await run()), passes);
    assert.deepEqual(told(managed), [...twice, command([sound, faulty], 'cached')], 'the next run finds it');
  });

  it('is fetched where another version lies in the cache, and takes its place', async (t) => {
    const managed = await scene(t, { staged: 'cache' });
    const { run, port, endpoint, archive, key, placesOf } = managed;
    endpoint.store.put(packageBucket, key, await published(managed));
    const { cache } = placesOf(faulty);
    const older = 'a'.repeat(64);
    renameSync(join(cache, archive), join(cache, older));
    writeFileSync(join(cache, older, 'node'), evil);
    chmodSync(join(cache, older, 'node'), 0o755);
    assert.deepEqual(verdicts(await run()), [`near1:${port} pass`, `near2:${port} pass`]);
    assert.deepEqual(told(managed), [command([sound, faulty], 'cached'), command([faulty], 'download-linux-x64')]);
    assert.deepEqual(readdirSync(cache).toSorted(), [archive, 'spool'].toSorted());
  });

  interface Refusal {
    readonly options?: SceneOptions;
    readonly store?: (content: Buffer) => Buffer | undefined;
    readonly says: RegExp;
  }
  const refusals: Readonly<Record<string, Refusal>> = {
    'and may not download': {
      options: { fault: { kind: 'download-denied' } },
      store: (content) => content,
      says: /^i-0+2: the package could not be fetched \(Failed to download files\. Access Denied\); look whether the host may read the package/,
    },
    'and that nobody published': {
      says: /^i-0+2: the package could not be fetched \(Failed to download files\. The specified key does not exist\.\); look whether the host may read/,
    },
    'and of which only a part comes': {
      store: (content) => content.subarray(0, -1),
      says: /^i-0+2: .* is not the published one \(the package that came is not the published one\); look whether/,
    },
    'and in whose place another package lies': {
      store: () => Buffer.from('another'),
      says: /^i-0+2: .* is not the published one \(the package that came is not the published one\); look whether/,
    },
    'and for which its disk has no room': {
      options: { small: [faulty] },
      store: (content) => content,
      says: /^i-0+2: the disk of this host has no room for .* \(the package could not be unpacked into \S+\); make room on the host$/,
    },
  };
  for (const [name, { options = {}, store, says }] of Object.entries(refusals)) {
    it(`${name} leaves its checks in error, and nothing on the host`, async (t) => {
      const managed = await scene(t, { staged: 'cache', ...options });
      const { run, port, endpoint, archive, key, placesOf } = managed;
      const content = store?.(await published(managed));
      if (content !== undefined) endpoint.store.put(packageBucket, key, content);
      const { cache } = placesOf(faulty);
      rmSync(join(cache, archive), { recursive: true });
      const report = await run();
      assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near2:${port} error not-checked source-unreachable`]);
      assert.match(messageOf(report), says);
      assert.deepEqual(told(managed), [command([sound, faulty], 'cached'), command([faulty], 'download-linux-x64')]);
      assert.deepEqual(
        readdirSync(cache).filter((entry) => entry !== 'spool'),
        [],
      );
    });
  }
});

describe('without a package', { concurrency: 2 }, () => {
  const document = { document: 'PortMatrix-Agent-Inline' };

  it('the agent comes with the document, where the node has a Node.js', async (t) => {
    const managed = await scene(t, { nodeFiles: [process.execPath] }, document);
    assert.deepEqual(verdicts(await managed.run()), [`near1:${managed.port} pass`, `near2:${managed.port} pass`]);
    const sent = managed.endpoint.calls.filter(({ operation }) => operation === 'SendCommand');
    assert.deepEqual(
      sent.map(({ input }) => Object.keys(Object(input['Parameters']))),
      [['Job', 'ExecutionTimeout']],
    );
  });

  it('a node without Node.js says so, and is told once', async (t) => {
    const managed = await scene(t, { nodeFiles: ['/nowhere/node'] }, document);
    const report = await managed.run();
    const lost = 'error not-checked source-unreachable';
    assert.deepEqual(verdicts(report), [`near1:${managed.port} ${lost}`, `near2:${managed.port} ${lost}`]);
    assert.match(messageOf(report), /there is no Node\.js on this host/);
    assert.equal(managed.endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 1);
  });
});

it('a node is given no address of its package that its document would refuse, and the user is told what the publisher must allow', async (t) => {
  const managed = await scene(t, { staged: 'cache' }, { fetch: 'presigned' });
  rmSync(join(managed.placesOf(faulty).cache, managed.archive), { recursive: true });
  const report = await managed.run();
  assert.deepEqual(verdicts(report), [`near1:${managed.port} pass`, `near2:${managed.port} error not-checked source-unreachable`]);
  assert.deepEqual(told(managed), [command([sound, faulty], 'cached')]);
  // The endpoint of this test is not S3.
  assert.match(messageOf(report), /--package-url https:\/\/127\.0\.0\.1:\d+\/packages\//);
  assert.doesNotMatch(messageOf(report), /X-Amz/);
});

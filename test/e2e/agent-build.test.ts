/** `portmatrix agent build`: what it makes, and that a host which has nothing but that runs it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { unzipSync } from 'fflate';
import { packEnvelope } from '../../agent/contract/envelope.ts';
import { unpackFrame } from '../../agent/contract/frame.ts';
import { contractVersion } from '../../agent/contract/job.ts';
import { decodeMessage } from '../../agent/contract/message.ts';
import { documentFor, packageKey, packageName, roomForJob } from '../../src/agent-document.ts';
import { type Platform, platforms, usualFolders } from '../../src/document-literal.ts';
import { buildAgent, hashesOf, readScripts, sha256 } from '../../src/agent-package.ts';
import { untarGzip } from '../../src/archive.ts';
import { agentScript } from '../../src/bundle.ts';
import { buildCommand } from '../../src/commands/agent.ts';
import type { Terminal } from '../../src/commands/command.ts';
import { UsageError } from '../../src/usage-error.ts';
import { portmatrix } from '../support/binary.ts';
import { jobOf, ruleOf } from '../support/jobs.ts';
import { refusedPort, serveTcp } from '../support/loopback.ts';
import type { Template } from '../support/policies.ts';
import { readDocument } from '../support/ssm-document.ts';
import { download, here, hostWith, runStep, shells } from '../support/ssm-step.ts';
import { documentsIn } from '../support/stack.ts';
import { folderWith } from '../support/temporary-folder.ts';

/** Stands in for the runtimes where only what is made of them matters: the real ones are more than 40 MB each. */
const standIns: Readonly<Record<Platform, Buffer>> = {
  'linux-x64': Buffer.concat([Buffer.from('one'), randomBytes(300_000)]),
  'linux-arm64': Buffer.from('two'),
  'windows-x64': Buffer.concat([Buffer.from('MZ'), randomBytes(300_000)]),
};
const fetchStandIn = async (platform: Platform) => ({
  runtime: standIns[platform],
  ...(platform.startsWith('linux') && { licence: Buffer.from('the licence') }),
});

/** Runs the command with the stand-ins. */
async function build(t: TestContext, options: Partial<Parameters<typeof buildCommand>[0]> = {}) {
  const cwd = folderWith(t, {});
  let stdout = '';
  const never = new AbortController().signal;
  const out: Terminal['out'] = async (text) => void (stdout += text);
  const terminal: Terminal = { out, err: () => undefined, cwd, colour: false, ascii: true, version: '0', stop: never, emergency: never };
  const code = await buildCommand({ out: 'built', ...options }, terminal, fetchStandIn);
  const folder = join(cwd, 'built');
  const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  return { code, stdout, files };
}

const inBucket = { bucket: 'corp-portmatrix', region: 'eu-central-1' };
const manyNetworks = Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`);

describe('agent build', () => {
  it('makes the same bytes each time, and in every time zone', async (t) => {
    const zone = process.env['TZ'];
    const first = await build(t);
    process.env['TZ'] = 'Pacific/Kiritimati';
    const second = await build(t);
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    assert.deepEqual(second, first);
  });

  it('prints name, size and SHA-256 of all that it wrote', async (t) => {
    const { code, stdout, files } = await build(t);
    assert.equal(code, 0);
    const names = ['agent.cjs', ...platforms.map(packageName), 'manifest.json', 'PortMatrix-Agent.json', 'PortMatrix-Agent-Inline.json'];
    assert.deepEqual(Object.keys(files).sort(), names.toSorted());
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((row) => row.split(/\s+/));
    assert.deepEqual(
      rows,
      names.map((name) => [name, String(files[name]?.length), sha256(files[name] ?? '')]),
    );
  });

  it('packs the runtime unchanged, the agent, a manifest of their hashes, and the licence', async (t) => {
    const { files } = await build(t);
    const agent = files['agent.cjs'] ?? assert.fail();
    assert.equal(String(agent), await agentScript('ssm'));
    for (const platform of platforms) {
      const content = files[packageName(platform)] ?? assert.fail(platform);
      const program = platform === 'windows-x64' ? 'node.exe' : 'node';
      const names = [program, 'agent.cjs', 'manifest.json', 'LICENSE'];
      const packed = platform === 'windows-x64' ? new Map(Object.entries(unzipSync(content))) : await untarGzip(content, names);
      assert.deepEqual([...packed.keys()], names);
      assert.ok(standIns[platform].equals(packed.get(program) ?? Buffer.of()) && agent.equals(packed.get('agent.cjs') ?? Buffer.of()));
      assert.equal(String(Buffer.from(packed.get('LICENSE') ?? [])), 'the licence');
      const { files: hashes } = JSON.parse(String(Buffer.from(packed.get('manifest.json') ?? [])));
      assert.deepEqual(hashes, { [program]: sha256(standIns[platform]), 'agent.cjs': sha256(agent) });
    }
  });

  it('writes documents that hold the hashes of the manifest, and what agents may dial', async (t) => {
    const { files } = await build(t, { allowDestination: ['10.1.0.0/16,fd00:1::/32'], allowPort: ['389/tcp', '49152-65535/tcp'], longestMinutes: 2 });
    const manifest = JSON.parse(String(files['manifest.json']));
    const text = String(files['PortMatrix-Agent.json']);
    readDocument(text);
    assert.equal(manifest.bundle, sha256(files['agent.cjs'] ?? ''));
    for (const platform of platforms) {
      assert.equal(manifest.packages[platform].archive, sha256(files[packageName(platform)] ?? ''));
      for (const hash of [manifest.bundle, manifest.packages[platform].archive, manifest.packages[platform].runtime]) assert.ok(text.includes(hash));
    }
    const policy = { destinations: ['10.1.0.0/16', 'fd00:1::/32'], ports: ['389/tcp', '49152-65535/tcp'], endsAfterMs: 120_000 };
    const inline = String(files['PortMatrix-Agent-Inline.json']);
    readDocument(inline);
    for (const document of [text, inline]) assert.ok(document.includes(Buffer.from(JSON.stringify(policy)).toString('base64url')));
    t.diagnostic(`the document has ${text.length} bytes, that with the agent inline ${inline.length}, with room for a job of ${roomForJob(inline)}`);
  });

  it('for a bucket, also writes a template that holds the documents as they are written, the same bytes each time, and says how packages are uploaded', async (t) => {
    const { code, stdout, files } = await build(t, { ...inBucket, prefix: 'agents' });
    assert.equal(code, 0);
    assert.deepEqual(await build(t, { ...inBucket, prefix: 'agents/' }), { code, stdout, files });
    const template: Template = JSON.parse(String(files['portmatrix.template.json']));
    assert.deepEqual(
      documentsIn(template).map(({ name, content }) => [name, content]),
      ['PortMatrix-Agent', 'PortMatrix-Agent-Inline'].map((name) => [name, String(files[`${name}.json`])]),
    );
    assert.match(stdout, new RegExp(`^portmatrix\\.template\\.json +${files['portmatrix.template.json']?.length} +[0-9a-f]{64}$`, 'm'));
    for (const platform of platforms) {
      const content = files[packageName(platform)] ?? assert.fail(platform);
      const key = packageKey({ prefix: 'agents/' }, platform, sha256(content));
      assert.ok(String(files['PortMatrix-Agent.json']).includes(`https://s3.eu-central-1.amazonaws.com/corp-portmatrix/${key}`));
      const checksum = Buffer.from(sha256(content), 'hex').toString('base64');
      const command = `aws s3api put-object --region eu-central-1 --bucket corp-portmatrix --key ${key} --body ${packageName(platform)} --if-none-match "*" --checksum-sha256 ${checksum}\n`;
      assert.ok(stdout.includes(`\n${command}`), stdout);
    }
  });

  for (const [what, options, words] of [
    ['a bucket that is nowhere', { bucket: 'corp-portmatrix' }, /nothing says where the bucket is: expected --region/],
    ['a Region of no bucket', { region: 'eu-central-1' }, /--region belongs to a bucket: expected --bucket NAME/],
    ['a folder of no bucket', { prefix: 'packages/' }, /--prefix belongs to a bucket: expected --bucket NAME/],
    ['a bucket that is none', { ...inBucket, bucket: 'Corp_Bucket' }, /--bucket "Corp_Bucket" is no name of a bucket/],
    ['a Region that is none', { ...inBucket, region: 'Frankfurt' }, /--region "Frankfurt" is not an AWS Region/],
    ['a prefix that is no folder', { ...inBucket, prefix: '../x' }, /--prefix "\.\.\/x" is no folder/],
    ['no folder, which the policies need', { ...inBucket, prefix: '' }, /--prefix is empty, expected a folder/],
    ['a document that leaves no room for a job', { ...inBucket, allowDestination: manyNetworks }, /PortMatrix-Agent.* leaves too little for a job/],
    ['a network with bits beyond its prefix', { allowDestination: ['10.1.2.3/16'] }, /--allow-destination "10\.1\.2\.3\/16" is no network/],
    ['a name for a network', { allowDestination: ['dc1.corp.example.com'] }, /is no network/],
    ['a port without transport', { allowPort: ['389'] }, /--allow-port "389" is no port/],
    ['an empty folder', { out: '' }, /--out is empty/],
  ] as const)
    it(`refuses ${what}`, (t) => assert.rejects(build(t, options), (error) => error instanceof UsageError && words.test(error.message)));

  it('is understood on the command line', async (t) => {
    const { code, stderr } = await portmatrix(t, ['agent', 'build', '--longest-minutes', 'soon']);
    assert.equal(code, 2);
    assert.match(stderr, /--longest-minutes "soon" is not a whole number/);
    const { stderr: told } = await portmatrix(t, ['agent', 'build', '--bucket', 'corp-portmatrix', '--region', 'Frankfurt']);
    assert.match(told, /--region "Frankfurt" is not an AWS Region/);
    assert.match((await portmatrix(t, ['agent', 'bild'])).stderr, /there is no command "bild" here, did you mean "build"\?/);
  });
});

describe('a host that has nothing but what was downloaded', async () => {
  // The runtime that runs this test is the one that is packed for hosts: npm brings it from the same package.
  const runtime = readFileSync(process.execPath);
  const built = await buildAgent(await agentScript('ssm'), async (platform) => (platform === here ? { runtime } : fetchStandIn(platform)));
  const packed = built.packages.find(({ platform }) => platform === here);

  for (const shell of shells)
    it(`runs the job, and the next one from its cache, under ${shell}`, async (t) => {
      const { content, archive, runtime: hash } = packed ?? assert.fail();
      const host = hostWith(t, { archive, runtime: hash, bundle: built.bundle });
      const open = await serveTcp(t, (socket) => void socket.resume());
      const rules = [ruleOf('tcp', 'tcp', open), ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))];
      const job = jobOf(rules, { reply: 'frame' });
      const values = { Job: packEnvelope({ contract: contractVersion, nodes: { 'i-0123456789abcdef0': 'client' }, job }) };
      download(host, content);
      for (const fetch of [`download-${here}`, 'cached']) {
        const { code, stdout, stderr } = await runStep(t, host, {
          shell,
          values: { ...values, Fetch: fetch },
          env: { NODE_OPTIONS: '--no-such-option' },
        });
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        const messages = stdout.trimEnd().split('\n').map(decodeMessage);
        assert.deepEqual(
          messages.map((message) => message?.kind),
          ['hello', 'frame', 'bye'],
        );
        const frame = messages.find((message) => message?.kind === 'frame');
        const states = unpackFrame(job, 'client', frame?.text ?? '')?.results.map(({ outcome }) => outcome.kind === 'observed' && outcome.state);
        assert.deepEqual(states, ['open', 'closed']);
      }
      const wrong = await runStep(t, host, { shell, values: { Job: 'bm90IGEgam9i' } });
      assert.deepEqual({ code: wrong.code, stdout: wrong.stdout }, { code: 20, stdout: '' });
      assert.match(wrong.stderr, /^portmatrix: bad-input: [^\n]+\n$/);
      writeFileSync(join(host.cache, archive, 'agent.cjs'), `${built.script} `);
      assert.equal((await runStep(t, host, { shell, values })).code, 12);
    });

  it('would have found these hashes in the document', () => {
    const literals = {
      contract: contractVersion,
      bundle: built.bundle,
      packages: hashesOf(built),
      policy: { destinations: [], ports: [], endsAfterMs: 1 },
      ...usualFolders,
    };
    const text = documentFor(literals, readScripts());
    for (const { archive, runtime: hash } of built.packages) assert.ok(text.includes(archive) && text.includes(hash));
  });
});

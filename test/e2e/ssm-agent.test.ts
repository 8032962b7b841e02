/** The agent in a step of a Systems Manager document, exactly as a document runs it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { packEnvelope } from '../../agent/contract/envelope.ts';
import { volatileFacts } from '../../agent/contract/fact.ts';
import { type Frame, unpackFrame } from '../../agent/contract/frame.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { decodeMessage, type Message, type Settled } from '../../agent/contract/message.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { packPolicy } from '../../agent/contract/policy.ts';
import { runAgent } from '../bench/agent-process.ts';
import { makeIdentity } from '../support/certificate.ts';
import { client, dc1, jobOf, rpcRule, ruleOf } from '../support/jobs.ts';
import { refusedPort, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { rulesForAll, usuallySpoken } from '../support/peers.ts';
import { endpointMapperFor, wireUuids } from '../support/speakers.ts';
import { anywhere, installAgent, node, runInStep, runStep, runWords, type Step } from '../support/ssm-agent.ts';
import { folderWith } from '../support/temporary-folder.ts';

const home = mkdtempSync(join(tmpdir(), 'portmatrix-'));
after(() => rmSync(home, { recursive: true }));
const script = await installAgent(home);
const stepBytes = 23_000;

/** The kinds of the messages of a step; every line must be one. */
function kinds({ messages }: Step): readonly (string | undefined)[] {
  return messages.map((message) => message?.kind);
}

function reasonOf({ messages }: Step): string | undefined {
  return messages.flatMap((message) => (message?.kind === 'bye' ? [message.reason] : []))[0];
}

/** What an outcome says of the network and of the service, without what differs from one look to the next. */
function lasting(outcome: Outcome | undefined): unknown {
  if (outcome?.kind !== 'observed') return outcome;
  const { state, reason, port, target, service } = outcome;
  const facts = Object.entries(service?.facts ?? {}).filter(([name]) => !volatileFacts.some((varies) => varies === name));
  return { state, reason, port, target, status: service?.status, facts: Object.fromEntries(facts) };
}

/** A TCP server that tells how many have come to it. */
async function counting(t: TestContext, address = '127.0.0.1'): Promise<{ readonly port: number; readonly visits: () => number }> {
  let visits = 0;
  const port = await serveTcp(
    t,
    (socket) => {
      visits += 1;
      socket.end();
    },
    { address },
  );
  return { port, visits: () => visits };
}

function outcomesOf({ results }: Frame): readonly Outcome[] {
  return results.map(({ outcome }) => outcome);
}

describe('the agent in a step', () => {
  it('sees of every service, over every transport, what the usual agent tells in messages', async (t) => {
    const identity = makeIdentity('dc1.corp.example.test');
    const asked = await rulesForAll(t, usuallySpoken, identity);
    const shut = [
      ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp')),
      ruleOf('udp', 'udp', await refusedPort(t, 'udp')),
      ruleOf('ldap', 'tcp', await silentPort(t, 'tcp')),
    ];
    const job = jobOf([...asked, ...shut], { timeoutMs: 3_000 });

    const told = await runAgent(job, 'client', []);
    const { step, frame } = await runInStep(t, script, job);

    assert.deepEqual([step.code, step.stderr, kinds(step), reasonOf(step)], [0, '', ['hello', 'frame', 'bye'], 'finished']);
    assert.equal(frame.facts, undefined);
    assert.equal(frame.results.length, told.results.length);
    const byIndex = (results: readonly Settled[]): unknown =>
      results.toSorted((one, other) => one.index - other.index).map(({ index, outcome }) => [index, lasting(outcome)]);
    assert.deepEqual(byIndex(frame.results), byIndex(told.results));
  });

  it('uses no credentials, and says so of every ticket that it should ask for', async (t) => {
    const asked = jobOf([ruleOf('ldap-ticket', 'tcp', await silentPort(t, 'tcp'))], { kerberos: { installation: '/nowhere' } });
    const { frame } = await runInStep(t, script, asked);
    assert.deepEqual(outcomesOf(frame), [{ kind: 'failed', code: 'not-equipped', message: 'agents in Systems Manager use no Kerberos credentials' }]);
  });

  it('greets as the source that its node is, and counts only the checks of that one', async (t) => {
    const job = jobOf([ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))], {
      hosts: [client, dc1, { ...client, name: 'dc2' }],
      pairs: [
        [0, 1, 0],
        [2, 1, 0],
      ],
    });
    const { step } = await runInStep(t, script, job);
    const [hello] = step.messages;
    assert.ok(hello?.kind === 'hello');
    assert.deepEqual([hello.source, hello.contract, hello.count], ['client', contractVersion, 1]);
  });

  it('prints ASCII only, whatever the names are', async (t) => {
    const name = 'büro–日本🏢';
    const job = jobOf([ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))], { hosts: [{ ...client, name }, dc1], pace: {} });
    const { words } = runWords(job, join(folderWith(t, {}), 'spool'));
    const stdin = packEnvelope({ contract: contractVersion, nodes: { [node]: name }, job });
    const step = await runStep(t, script, words, { stdin });
    assert.match(step.stdout, /^[\n -~]+$/);
    assert.deepEqual(
      step.messages.map((message) => message?.kind === 'hello' && message.source),
      [name, false, false],
    );
  });

  it('takes its job with line breaks, a carriage return before each, and a byte order mark', async (t) => {
    const job = jobOf([ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))]);
    const { words, stdin } = runWords(job, join(folderWith(t, {}), 'spool'));
    const step = await runStep(t, script, words, { stdin: `\uFEFF${stdin.replaceAll(/.{60}/g, '$&\r\n')}\r\n` });
    assert.deepEqual(kinds(step), ['hello', 'frame', 'bye']);
  });
});

describe('a policy', () => {
  it('keeps the agent from an address, and says which', async (t) => {
    const { port, visits } = await counting(t, '127.0.0.7');
    const job = jobOf([ruleOf('ldap', 'tcp', port)], { hosts: [client, { ...dc1, address: '127.0.0.7' }] });
    const { frame } = await runInStep(t, script, job, { ...anywhere, destinations: ['127.0.0.1/32', '10.0.0.0/8'] });
    const message = `127.0.0.7 port ${port}/tcp is not among what this document allows`;
    assert.deepEqual(outcomesOf(frame), [{ kind: 'failed', code: 'source-denied', message }]);
    assert.equal(visits(), 0);
  });

  it('keeps it from a port, and lets it to the one beside', async (t) => {
    const [one, other] = [await counting(t), await counting(t)];
    const job = jobOf([ruleOf('tcp', 'tcp', one.port), ruleOf('tcp', 'tcp', other.port)]);
    const { frame } = await runInStep(t, script, job, { ...anywhere, ports: [`${other.port}/tcp`] });
    assert.deepEqual(
      outcomesOf(frame).map((outcome) => (outcome.kind === 'failed' ? outcome.code : outcome.state)),
      ['source-denied', 'open'],
    );
    assert.deepEqual([one.visits(), other.visits()], [0, 1]);
  });

  it('keeps it from a port over UDP that it allows over TCP', async (t) => {
    let heard = 0;
    const port = await serveUdp(t, () => (heard += 1));
    const { frame } = await runInStep(t, script, jobOf([ruleOf('ntp', 'udp', port)]), { ...anywhere, ports: ['1-65535/tcp'] });
    assert.match(JSON.stringify(outcomesOf(frame)), new RegExp(`source-denied.*127.0.0.1 port ${port}/udp is not`));
    assert.equal(heard, 0);
  });

  it('keeps it from what a name resolves to', async (t) => {
    const { port, visits } = await counting(t);
    const job = jobOf([ruleOf('tcp', 'tcp', port)], { hosts: [client, { ...dc1, address: 'localhost' }] });
    const { frame } = await runInStep(t, script, job, { ...anywhere, destinations: ['10.0.0.0/8', 'fd00::/8'] });
    const [outcome] = outcomesOf(frame);
    assert.ok(outcome?.kind === 'failed');
    assert.equal(outcome.code, 'source-denied');
    assert.match(outcome.message, new RegExp(`(127\\.0\\.0\\.1|::1) port ${port}/tcp is not among what this document allows`));
    assert.equal(visits(), 0);
  });

  it('for IPv6 keeps it from an IPv4 address that is written as IPv6', async (t) => {
    const { port, visits } = await counting(t);
    const job = jobOf([ruleOf('tcp', 'tcp', port)], { hosts: [client, { ...dc1, address: '::ffff:127.0.0.1' }] });
    const { frame } = await runInStep(t, script, job, { ...anywhere, destinations: ['::/0'] });
    assert.match(JSON.stringify(outcomesOf(frame)), /source-denied/);
    assert.equal(visits(), 0);
  });

  it('keeps it from a port that an endpoint mapper names', async (t) => {
    const { port, visits } = await counting(t);
    const speak = endpointMapperFor({ [wireUuids.drsuapi]: port });
    const mapper = await serveTcp(t, (socket) => socket.on('data', (request) => socket.write(speak(request, 135) ?? '')));
    const { frame } = await runInStep(t, script, jobOf([ruleOf('epm', 'tcp', mapper), rpcRule('drsuapi', 0)]), {
      ...anywhere,
      ports: [`${mapper}/tcp`],
    });
    const [asked, named] = outcomesOf(frame);
    assert.ok(asked?.kind === 'observed' && asked.service?.facts.rpcPorts?.['drsuapi'] === port);
    assert.deepEqual(named, { kind: 'failed', code: 'source-denied', message: `127.0.0.1 port ${port}/tcp is not among what this document allows` });
    assert.equal(visits(), 0);
  });

  it('keeps it from a proxy', async (t) => {
    const { port, visits } = await counting(t);
    const job = jobOf([ruleOf('https', 'tcp', 443)], { hosts: [client, { ...dc1, address: 'ssm.example.test' }] });
    const environment = { https_proxy: `http://127.0.0.1:${port}` };
    const { frame } = await runInStep(t, script, job, { ...anywhere, ports: ['443/tcp'] }, { environment });
    assert.match(JSON.stringify(outcomesOf(frame)), new RegExp(`source-denied.*127.0.0.1 port ${port}/tcp is not among`));
    assert.equal(visits(), 0);
  });

  it('keeps it from following up over the other transport, and the answer says so', async (t) => {
    // An answer that was cut short asks for the same question over TCP.
    const port = await serveUdp(t, (request, reply) => {
      const answer = Buffer.from(request);
      answer.writeUInt16BE(0x8600, 2);
      reply(answer);
    });
    const { frame } = await runInStep(t, script, jobOf([ruleOf('dns', 'udp', port)]), { ...anywhere, ports: [`${port}/udp`] });
    const [outcome] = outcomesOf(frame);
    assert.ok(outcome?.kind === 'observed');
    assert.match(outcome.service?.facts.followUp ?? '', /source-denied/);
  });

  it('ends the agent, whatever the job says', async (t) => {
    const job = jobOf([ruleOf('ldap', 'tcp', await silentPort(t, 'tcp')), ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))], {
      timeoutMs: 60_000,
      endsAfterMs: 120_000,
    });
    const { step, frame } = await runInStep(t, script, job, { ...anywhere, endsAfterMs: 1_500 });
    assert.deepEqual([step.code, reasonOf(step), frame.results.map(({ index }) => index)], [0, 'deadline', [1]]);
  });
});

describe('the end of a step', () => {
  it('comes when the document says so, with a frame of what is settled, and is no failure', async (t) => {
    const job = jobOf([ruleOf('ldap', 'tcp', await silentPort(t, 'tcp')), ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp'))], {
      timeoutMs: 60_000,
      endsAfterMs: 120_000,
    });
    const { step, frame } = await runInStep(t, script, job, anywhere, { environment: { PORTMATRIX_ENDS_AFTER_MS: '1500' } });
    assert.deepEqual([step.code, reasonOf(step), frame.results.map(({ index }) => index)], [0, 'deadline', [1]]);
  });

  it('comes at once where there is no time at all', async (t) => {
    const job = jobOf([ruleOf('ldap', 'tcp', await silentPort(t, 'tcp'))], { timeoutMs: 60_000, endsAfterMs: 120_000 });
    const { step, frame } = await runInStep(t, script, job, anywhere, { environment: { PORTMATRIX_ENDS_AFTER_MS: '-9000' } });
    assert.deepEqual([step.code, reasonOf(step), frame.results], [0, 'deadline', []]);
  });

  it('comes on SIGTERM with what there is', async (t) => {
    const agent = Promise.withResolvers<number>();
    const asked = await serveTcp(t, (socket) => {
      socket.resume();
      void agent.promise.then((id) => process.kill(id, 'SIGTERM'));
    });
    const job = jobOf([ruleOf('ldap', 'tcp', asked)], { timeoutMs: 60_000, endsAfterMs: 120_000 });
    const { step, frame } = await runInStep(t, script, job, anywhere, { born: agent.resolve });
    assert.deepEqual([step.code, reasonOf(step), frame.results], [0, 'interrupted', []]);
  });
});

describe('input that is none', () => {
  const good = packPolicy(anywhere);
  const cases: Readonly<
    Record<
      string,
      { readonly words: readonly string[]; readonly stdin?: string; readonly environment?: Readonly<Record<string, string>>; readonly says: RegExp }
    >
  > = {
    'without words': { words: [], says: /words/ },
    'with a task that there is not': { words: ['eval', 'process.exit(0)', '2'], says: /words/ },
    'with a word too many': { words: ['run', good, '/tmp', 'more'], says: /words/ },
    'with a policy that is none': { words: ['run', 'e30', '/nowhere'], says: /the policy is not one/ },
    'with a policy that is code': { words: ['run', '$(id)', '/nowhere'], says: /the policy is not one/ },
    'with nothing for a job': { words: ['run', good, '/nowhere'], says: /the job is cut/ },
    'with garbage for a job': { words: ['run', good, '/nowhere'], stdin: 'Zm9v'.repeat(5_000), says: /the job is cut/ },
    'with a job without end': { words: ['run', good, '/nowhere'], stdin: 'A'.repeat(3 * 1024 * 1024), says: /the job is cut/ },
    'as a node that nobody asked': {
      ...runWords(jobOf([ruleOf('tcp', 'tcp', 1)]), '/nowhere'),
      environment: { AWS_SSM_INSTANCE_ID: 'i-0ffff' },
      says: /i-0ffff, is not among/,
    },
    'as a node that every object has': {
      ...runWords(jobOf([ruleOf('tcp', 'tcp', 1)]), '/nowhere'),
      environment: { AWS_SSM_INSTANCE_ID: 'constructor' },
      says: /is not among/,
    },
    'as nobody': {
      ...runWords(jobOf([ruleOf('tcp', 'tcp', 1)]), '/nowhere'),
      environment: { AWS_SSM_INSTANCE_ID: '' },
      says: /has no id, is not among/,
    },
    'with a time that is none': {
      ...runWords(jobOf([ruleOf('tcp', 'tcp', 1)]), '/nowhere'),
      environment: { PORTMATRIX_ENDS_AFTER_MS: 'soon' },
      says: /PORTMATRIX_ENDS_AFTER_MS/,
    },
    'for another task': { words: ['part', '/nowhere', '2'], says: /words/ },
  };
  for (const [name, { words, says, ...start }] of Object.entries(cases)) {
    it(`${name} is exit code 20, one line on stderr, and nothing on stdout`, async (t) => {
      const { code, stdout, stderr } = await runStep(t, script, words, start);
      assert.deepEqual([code, stdout], [20, '']);
      assert.match(stderr, /^portmatrix: bad-input: [ -~]{1,400}\n$/);
      assert.match(stderr, says);
    });
  }
});

describe('a case that the agent was not made for', () => {
  it('is exit code 21, one line on stderr, and nothing on stdout', async (t) => {
    const job = jobOf([ruleOf('rpc', 'tcp', await silentPort(t, 'tcp'))]);
    const { words, stdin } = runWords(job, join(folderWith(t, {}), 'spool'));
    const { code, stdout, stderr } = await runStep(t, script, words, { stdin });
    assert.deepEqual([code, stdout, stderr], [21, '', 'portmatrix: agent-bug: rpc: a question without an interface\n']);
  });
});

describe('a frame that is too long for one step', () => {
  const checks = 400;

  /** Services that answer nonsense, each other nonsense. Its first 64 bytes are evidence, which stays whatever the room: so many need more than one step. */
  async function babble(t: TestContext): Promise<Job> {
    const port = await serveTcp(t, (socket) => socket.on('data', () => socket.write(randomBytes(64))));
    const rules = Array.from({ length: checks }, (_, index) => ruleOf('smb', 'tcp', port, { rule: `r${index}` }));
    return jobOf(rules, { attempts: 1 });
  }

  function frameOf(job: Job, messages: readonly (Message | undefined)[]): Frame | undefined {
    const texts = messages.flatMap((message) => (message?.kind === 'part' ? [message.text] : []));
    return unpackFrame(job, 'client', texts.join(''));
  }

  it('comes in parts, which are kept for later steps to print', async (t) => {
    const spool = join(folderWith(t, {}), 'below', 'spool');
    const job = await babble(t);
    const { words, stdin } = runWords(job, spool);
    const first = await runStep(t, script, words, { stdin });
    assert.deepEqual([first.code, first.stderr, kinds(first), reasonOf(first)], [0, '', ['hello', 'part', 'bye'], 'finished']);
    const [, head] = first.messages;
    assert.ok(head?.kind === 'part' && head.of > 1);
    const kept = readdirSync(spool);
    assert.equal(kept.length, head.of - 1);
    assert.equal(statSync(spool).mode & 0o777, 0o700);
    for (const name of kept) assert.equal(statSync(join(spool, name)).mode & 0o777, 0o600);

    const later = kept.toSorted().map((name) => readFileSync(join(spool, name), 'utf8'));
    for (const stdout of [first.stdout, ...later]) {
      assert.ok(Buffer.byteLength(stdout) <= stepBytes, `${Buffer.byteLength(stdout)} bytes`);
      assert.match(stdout, /^[\n -~]*$/);
    }
    const parts = later.map((line) => decodeMessage(line.trimEnd()));
    const frame = frameOf(job, [...first.messages, ...parts]);
    assert.equal(frame?.results.length, checks);
    assert.equal(frame.facts, undefined);
    assert.ok(
      frame.results.every(({ outcome }) => outcome.kind === 'observed' && outcome.local !== undefined && outcome.service?.status === 'malformed'),
    );
    assert.equal(frameOf(job, [...first.messages, ...parts.slice(1)]), undefined);
  });

  /** What is in the way of keeping parts in the folder, and what the step is started through for it. */
  const hindrances: Readonly<Record<string, (folder: string) => readonly string[]>> = {
    'cannot be made': (folder) => {
      writeFileSync(join(folder, 'spool'), '');
      return [];
    },
    'is open to everybody': (folder) => {
      mkdirSync(join(folder, 'spool'));
      chmodSync(join(folder, 'spool'), 0o777);
      return [];
    },
    'is a link to another one': (folder) => {
      mkdirSync(join(folder, 'other'), { mode: 0o700 });
      symlinkSync(join(folder, 'other'), join(folder, 'spool'));
      return [];
    },
    // A file system of one page, which something else has taken.
    'is on a full disk': (folder) => {
      const fill = 'mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero > "$0/other" && exec "$@"';
      return ['unshare', '--map-root-user', '--mount', 'sh', '-c', fill, folder];
    },
  };
  for (const [name, hinder] of Object.entries(hindrances)) {
    it(`is cut to one step where the spool folder ${name}, and says so`, async (t) => {
      const folder = folderWith(t, {});
      const prefix = hinder(folder);
      const job = await babble(t);
      const { words, stdin } = runWords(job, join(folder, 'spool'));
      const step = await runStep(t, script, words, { stdin, prefix });
      assert.deepEqual([step.code, kinds(step), reasonOf(step)], [0, ['hello', 'frame', 'bye'], 'finished'], step.stderr);
      assert.match(step.stderr, /^portmatrix: ran: no more than one step could be kept: [ -~]+\n$/);
      if (prefix.length > 0) assert.match(step.stderr, /ENOSPC/);
      assert.ok(Buffer.byteLength(step.stdout) <= stepBytes);
      const [text = ''] = step.messages.flatMap((message) => (message?.kind === 'frame' ? [message.text] : []));
      const frame = unpackFrame(job, 'client', text);
      assert.equal(frame?.facts, 'partial');
      assert.ok(frame.results.length > 100 && frame.results.length < checks, `${frame.results.length} results`);
      for (const { outcome } of frame.results) assert.ok(outcome.kind === 'observed' && outcome.service?.facts.firstBytes?.length === 128);
      const spool = lstatSync(join(folder, 'spool'), { throwIfNoEntry: false });
      assert.deepEqual(spool?.isDirectory() === true ? readdirSync(join(folder, 'spool')) : [], []);
    });
  }
});

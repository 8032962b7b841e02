import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { contractVersion } from '../../agent/contract/job.ts';
import { unpackPolicy } from '../../agent/contract/policy.ts';
import { stepExits } from '../../agent/contract/step-exit.ts';
import {
  documentFor,
  documentLimit,
  fetchesOf,
  inlineDocumentFor,
  type InlineLiterals,
  longestJob,
  packageKey,
  partStep,
  roomForJob,
} from '../../src/agent-document.ts';
import { urlsIn } from '../../src/connectors/ssm/package-url.ts';
import { type Literals, platforms, usualFolders } from '../../src/document-literal.ts';
import { readScripts } from '../../src/agent-package.ts';
import { policyOf } from '../../src/agent-policy.ts';
import { findMatrix, publishedMatrices } from '../../src/matrix.ts';
import { UsageError } from '../../src/usage-error.ts';
import { carriedOut, readDocument, refusal, scriptOf } from '../support/ssm-document.ts';

const matrices = publishedMatrices().map((name) => findMatrix(name, { cwd: '.', asPublished: false }));
const policy = policyOf({ destinations: [], ports: [], minutes: 15 }, matrices);
const hashes = (digit: string) => ({ archive: digit.repeat(64), runtime: digit.toUpperCase() === digit ? digit.repeat(64) : `${digit}0`.repeat(32) });
const literals: Literals = {
  contract: contractVersion,
  bundle: 'b'.repeat(64),
  packages: { 'linux-x64': hashes('1'), 'linux-arm64': hashes('2'), 'windows-x64': hashes('3') },
  location: { bucket: 'corp-portmatrix-agents-of-all-our-accounts', region: 'eu-central-1', prefix: 'agents/' },
  policy,
  ...usualFolders,
};
const inlineLiterals: InlineLiterals = {
  contract: contractVersion,
  bundle: literals.bundle,
  policy,
  ...usualFolders,
  inline: 'A'.repeat(44_000),
  nodes: ['/usr/bin/node'],
};
const scripts = readScripts();
const text = documentFor(literals, scripts);
const inlineText = inlineDocumentFor(inlineLiterals, scripts);
const job = 'QUJD';

test('the documents are such as the service and its agent take', () => {
  readDocument(text);
  readDocument(inlineText);
});

test('the same literals give the same bytes', () => {
  assert.equal(documentFor(structuredClone(literals), readScripts()), text);
  assert.equal(inlineDocumentFor(structuredClone(inlineLiterals), readScripts()), inlineText);
});

test('a job of 30,000 characters fits beside the document, with the longest address of a package', () => {
  assert.equal(roomForJob(text), longestJob);
  const { parameters } = readDocument(text);
  const longest = Object.values(parameters).reduce((sum, { maxChars = 50 }) => sum + maxChars, 0);
  assert.ok(Buffer.byteLength(text) + longest <= documentLimit, `${Buffer.byteLength(text)} bytes and parameters of ${longest}`);
});

test('with the largest agent in it, a document has room for a job of 9,000 characters, and takes none that is longer than its room', () => {
  const room = roomForJob(inlineText);
  assert.ok(room >= 9_000, String(room));
  assert.ok(Buffer.byteLength(inlineText) + room <= documentLimit);
  const document = readDocument(inlineText);
  assert.equal(refusal(document, { Job: 'A'.repeat(room) }), undefined);
  assert.match(refusal(document, { Job: 'A'.repeat(room + 1) }) ?? '', /characters/);
});

describe('a host carries out', () => {
  const parts = (os: 'linux' | 'windows') => [2, 3, 4, 5, 6].map((part) => partStep(os, part));
  for (const [fetch, linux, windows] of [
    ['cached', [], []],
    ['url', [], []],
    ['download-linux-x64', ['DownloadLinux'], ['DownloadLinux']],
    ['download-linux-arm64', ['DownloadLinuxArm'], ['DownloadLinuxArm']],
    ['download-windows-x64', ['DownloadWindows'], ['DownloadWindows']],
  ] as const)
    it(`with Fetch ${fetch} the steps of its own platform`, () => {
      const names = (platform: 'Linux' | 'Windows') =>
        carriedOut(readDocument(text), { platform, values: { Job: job, Fetch: fetch }, knowsEnvironment: true }).steps.map(({ name }) => name);
      assert.deepEqual(names('Linux'), [...linux, 'RunLinux', ...parts('linux')]);
      assert.deepEqual(names('Windows'), [...windows, 'RunWindows', ...parts('windows')]);
    });

  it('downloads from where the package of that content is published', () => {
    for (const platform of platforms) {
      const values = { Job: job, Fetch: `download-${platform}` };
      const [step] = carriedOut(readDocument(text), { platform: 'Linux', values, knowsEnvironment: false }).steps;
      const { archive = '' } = literals.packages[platform] ?? {};
      const key = packageKey({ prefix: 'agents/' }, platform, archive);
      assert.match(key, new RegExp(`^agents/${archive}/portmatrix-agent-${platform}\\.(tar\\.gz|zip)$`));
      const path = `https://s3.eu-central-1.amazonaws.com/corp-portmatrix-agents-of-all-our-accounts/${key}`;
      assert.deepEqual(step?.inputs, { sourceType: 'S3', sourceInfo: JSON.stringify({ path }) });
    }
  });
});

test('without a place where packages are published there is nothing that downloads', () => {
  const { location: _, ...offline } = literals;
  assert.deepEqual(
    readDocument(documentFor(offline, scripts)).mainSteps.filter(({ action }) => action === 'aws:downloadContent'),
    [],
  );
});

describe('a package may be fetched by an address', () => {
  const urls = (document: string): readonly string[] => {
    const found = readDocument(document)
      .mainSteps.filter(({ name }) => name.startsWith('Run'))
      .map((step) => /urls ?= ?'([^']*)'/.exec(scriptOf(step))?.[1]);
    assert.equal(found.length, 2);
    assert.equal(found[0], found[1]);
    assert.deepEqual(
      urlsIn(document),
      found[0]?.split(' ').filter((url) => url !== ''),
    );
    return urlsIn(document);
  };
  const bucket = 'corp-portmatrix-agents-of-all-our-accounts';
  const usual = [`https://${bucket}.s3.eu-central-1.amazonaws.com/agents/`, `https://s3.eu-central-1.amazonaws.com/${bucket}/agents/`];
  const endpoint = `https://bucket.vpce-1a2b3c4d-5e6f.s3.eu-central-1.vpce.amazonaws.com/${bucket}/`;
  const { location: _, ...offline } = literals;
  const fetchOf = (document: string) => readDocument(document).parameters['Fetch'];

  it('of the bucket, in both forms that presigned ones have', () => assert.deepEqual(urls(text), usual));
  it('and where the publisher says', () => {
    assert.deepEqual(urls(documentFor({ ...literals, urls: [endpoint] }, scripts)), [...usual, endpoint]);
    assert.deepEqual(urls(documentFor({ ...offline, urls: [endpoint] }, scripts)), [endpoint]);
  });
  it('in China, under its own domain', () => {
    assert.deepEqual(urls(documentFor({ ...literals, location: { bucket: 'agents', region: 'cn-north-1', prefix: '' } }, scripts)), [
      'https://agents.s3.cn-north-1.amazonaws.com.cn/',
      'https://s3.cn-north-1.amazonaws.com.cn/agents/',
    ]);
  });
  it('nowhere without a place, and then a command cannot even say so', () => {
    const document = documentFor(offline, scripts);
    assert.deepEqual(urls(document), []);
    assert.doesNotMatch(JSON.stringify(fetchOf(document)), /url/);
    assert.match(refusal(readDocument(document), { Job: job, Fetch: 'url' }) ?? '', /^Fetch /);
    assert.match(JSON.stringify(fetchOf(documentFor({ ...offline, urls: [endpoint] }, scripts))), /"url"/);
  });
});

test('hosts of a platform without a package have no hash to compare with, and the script says so', () => {
  const { mainSteps } = readDocument(documentFor({ ...literals, packages: {} }, scripts));
  const run = mainSteps.filter(({ name }) => name.startsWith('Run')).map(scriptOf);
  assert.match(run[0] ?? '', /platform=linux-x64 runtime='' package=''/);
  assert.match(run[1] ?? '', /\$package = ''\n/);
});

test('the policy in both run steps is the one that was given', () => {
  const { mainSteps } = readDocument(text);
  for (const step of mainSteps.filter(({ name }) => name.startsWith('Run'))) {
    const [, packed = ''] = /policy ?= ?'([^']+)'/.exec(scriptOf(step)) ?? [];
    assert.deepEqual(unpackPolicy(packed), policy);
  }
});

describe('a literal that could be more than data is refused', () => {
  const cases: readonly (readonly [string, Partial<Literals>])[] = [
    ['a bundle hash with a quote', { bundle: `${'b'.repeat(63)}'` }],
    ['a hash in capitals', { bundle: 'B'.repeat(64) }],
    ['a hash that is short', { packages: { 'linux-x64': { archive: 'a', runtime: 'b'.repeat(64) } } }],
    ['a folder with a quote', { cache: { ...usualFolders.cache, linux: "/var/x'; id; '" } }],
    ['a folder that climbs', { cache: { ...usualFolders.cache, linux: '/var/lib/../../etc' } }],
    ['a folder that starts nowhere', { offline: { ...usualFolders.offline, linux: 'agent' } }],
    ['a folder that is a root', { cache: { ...usualFolders.cache, windows: 'C:\\' } }],
    ['a folder on another host', { cache: { ...usualFolders.cache, windows: '\\\\server\\share' } }],
    ['a folder with a variable', { offline: { ...usualFolders.offline, windows: 'C:\\$env:TEMP' } }],
    ['a place without a slash at its end', { urls: ['https://example.com'] }],
    ['a place whose host is not whole', { urls: ['https://example.com/x'] }],
    ['a place without TLS', { urls: ['http://example.com/'] }],
    ['a place with a user', { urls: ['https://s3.amazonaws.com@example.com/'] }],
    ['a place that climbs', { urls: ['https://example.com/a/../'] }],
    ['a place with a pattern', { urls: ['https://*.example.com/'] }],
    ['a place with a quote', { urls: ["https://example.com/'/"] }],
    ['two places in one', { urls: ['https://example.com/ https://example.org/'] }],
    ['a prefix that climbs', { location: { bucket: 'agents', region: 'eu-central-1', prefix: '../x/' } }],
    ['a bucket with braces', { location: { bucket: 'a{{ Job }}', region: 'eu-central-1', prefix: '' } }],
    ['a Region with a slash', { location: { bucket: 'agents', region: 'eu-central-1/x', prefix: '' } }],
    ['a prefix that begins with a slash', { location: { bucket: 'agents', region: 'eu-central-1', prefix: '/x' } }],
  ];
  for (const [name, change] of cases) it(name, () => assert.throws(() => documentFor({ ...literals, ...change }, scripts), UsageError));
  it('an agent that is not base64', () => assert.throws(() => inlineDocumentFor({ ...inlineLiterals, inline: 'BUNDLE\nid' }, scripts), UsageError));
  it('a Node.js with a space in its path', () =>
    assert.throws(() => inlineDocumentFor({ ...inlineLiterals, nodes: ['/usr/bin/node -e 1'] }, scripts), UsageError));
});

describe('a parameter is refused that is', () => {
  const document = readDocument(text);
  const hostile = [
    "'",
    '"',
    '$(id)',
    '`id`',
    '{{ Job }}',
    '{{ssm:secret}}',
    '$$',
    'a\nb',
    ';id',
    '|id',
    '& id',
    '\\',
    '%0a\r',
    '\u2019',
    ' ',
    '(id)',
    '<x',
    '>x',
  ];
  for (const sting of hostile)
    it(JSON.stringify(sting), () => {
      for (const [name, before] of [
        ['Job', 'QUJD'],
        ['Fetch', 'cached'],
        ['PackageUrl', 'https://bucket.s3.amazonaws.com/x'],
        ['ExecutionTimeout', '600'],
      ] as const)
        for (const value of [`${before}${sting}`, `${sting}${before}`, sting])
          assert.match(refusal(document, { Job: job, [name]: value }) ?? '', new RegExp(`^${name} `), `${name} ${JSON.stringify(value)}`);
    });

  for (const [name, value] of [
    ['Job', ''],
    ['Job', 'A'.repeat(longestJob + 1)],
    ['Fetch', 'inline'],
    ['Fetch', 'CACHED'],
    ['PackageUrl', 'http://bucket.s3.amazonaws.com/x'],
    ['PackageUrl', 'https://'],
    ['PackageUrl', 'file:///etc/passwd'],
    ['PackageUrl', `https://${'x'.repeat(2_048)}`],
    ['ExecutionTimeout', ''],
    ['ExecutionTimeout', '19'],
    ['ExecutionTimeout', '0600'],
    ['ExecutionTimeout', '172801'],
    ['ExecutionTimeout', '200000'],
    ['ExecutionTimeout', '-60'],
    ['Command', 'id'],
  ] as const)
    it(`${name} ${JSON.stringify(value.slice(0, 40))}`, () =>
      assert.match(refusal(document, { Job: job, [name]: value }) ?? '', new RegExp(`^${name} `)));
});

describe('a parameter is taken that is', () => {
  const document = readDocument(text);
  for (const fetch of fetchesOf(literals)) it(`Fetch ${fetch}`, () => assert.equal(refusal(document, { Job: job, Fetch: fetch }), undefined));
  for (const seconds of ['20', '99', '100', '600', '99999', '100000', '169999', '171999', '172799', '172800'])
    it(`ExecutionTimeout ${seconds}`, () => assert.equal(refusal(document, { Job: job, ExecutionTimeout: seconds }), undefined));
  it('a presigned address', () => {
    const url = `https://b.s3.eu-central-1.amazonaws.com/agents/a.tar.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261128%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Expires=900&X-Amz-Signature=${'a'.repeat(64)}`;
    assert.equal(refusal(document, { Job: job, Fetch: 'url', PackageUrl: url }), undefined);
  });
});

test('the scripts end with codes of the table, named as in the table, and with no others', () => {
  for (const [name, script] of Object.entries(scripts)) {
    const named = [...script.matchAll(/(?:\bfail (\d+) ([a-z-]+)|Exit-Step (\d+) (?:'([a-z-]+)'|\$fault))/g)];
    if (/^(run|inline)/.test(name)) assert.ok(named.length > 3, name);
    for (const [whole, unixCode, unixName, windowsCode, windowsName] of named) {
      const table: Readonly<Record<string, { readonly name: string }>> = stepExits;
      const expected = table[unixCode ?? windowsCode ?? '']?.name ?? assert.fail(whole);
      assert.equal(unixName ?? windowsName ?? expected, expected, whole);
    }
  }
});

/**
 * Every command of every document, really run: in the order of the document, on the lab's bastion, in a folder that holds what the document shows as files.
 * The names and addresses of the documents stand for those of the lab.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bin, checkout } from '../support/binary.ts';
import { type Block, blocksOf, commandsIn, commandsInText, documents } from '../support/documents.ts';
import { attempt, type Finished } from './command.ts';
import { borrowForest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { CA_FILE } from './state.ts';
import { ADMINISTRATOR, DOMAIN, HOSTS, inNetns, REALM } from './topology.ts';

/** What stands for what. */
const translation: readonly (readonly [document: RegExp, lab: string])[] = [
  [/corp\.example\.com/g, DOMAIN],
  [/partner\.example\.com/g, 'other.example.test'],
  [/\b10\.0\.1\.10\b/g, HOSTS.dc1.address],
  [/\b10\.1\.1\.10\b/g, HOSTS.dc2.address],
  [/\b10\.1\.7\.21\b/g, HOSTS.client.address],
  [/\b10\.1\.9\.31\b/g, HOSTS.bastion.address],
  [/C:\\ProgramData\\|\/var\/log\//g, './'],
];

/** Commands that are run elsewhere: the file that does, and the words in it that do. */
const elsewhere: Readonly<Record<string, readonly [file: string, words: string]>> = {
  'npm start': ['test/e2e/first-run.test.ts', "'npm', 'start'"],
  'npm test': ['.ci/run', 'npm test'],
  'npm ci': ['test/support/prepare.cjs', "'ci'"],
  'npm run check': ['.ci/run', 'npm run --silent check'],
  'portmatrix agent build': ['test/e2e/agent-build.test.ts', "describe('agent build'"],
  'portmatrix agent build --bucket corp-portmatrix --region eu-central-1': [
    'test/e2e/agent-build.test.ts',
    "const inBucket = { bucket: 'corp-portmatrix', region: 'eu-central-1' }",
  ],
  'portmatrix agent publish': ['test/e2e/agent-publish.test.ts', "'agent', 'publish'"],
  'portmatrix agent publish -i managed.yaml --bucket corp-portmatrix --plan': ['test/e2e/agent-publish.test.ts', 'publish({ plan: true })'],
  'portmatrix agent publish -i managed.yaml --bucket corp-portmatrix': ['test/e2e/agent-publish.test.ts', "'agent', 'publish', '-i'"],
  'portmatrix agent publish --default --retire': ['test/e2e/agent-publish.test.ts', 'retire: true }'],
  'portmatrix agent doctor': ['test/e2e/agent-doctor.test.ts', "'agent', 'doctor'"],
  'portmatrix agent doctor -i managed.yaml': ['test/e2e/agent-doctor.test.ts', "'agent', 'doctor', '-i'"],
  'portmatrix run -i managed.yaml': ['test/support/managed.ts', "['run', '-i', 'inventory.yaml'"],
  'portmatrix resume reports/managed': ['test/e2e/ssm-faults.test.ts', "['resume', 'out']"],
  'npm install kerberos@7.0.0': ['test/lab/kerberos-addon.ts', "'npm', 'install', '--prefix', folder"],
  'npm run lock': ['test/unit/lock.test.ts', 'complete-lock.cjs'],
};

/** Exit codes other than 0. */
const codes: Readonly<Record<string, number>> = {
  // Samba has no AD Web Services and no DFSR, and nobody has a ticket.
  'portmatrix run -i inventory.yaml --kerberos': 1,
  // Nobody has raised the other forest here, so DNS does not know it.
  'portmatrix preflight --domain corp.example.com --purpose trust --trusted-domain partner.example.com': 1,
};

const { installed, reason } = installLabPackages();

describe('every command of the documents does what it says', { skip: installed ? false : `no lab: ${reason}` }, () => {
  const stage = mkdtempSync(join(tmpdir(), 'portmatrix-documents-'));
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ release } = await borrowForest());
    setStage(stage);
  });
  after(async () => {
    await release();
    rmSync(stage, { recursive: true });
  });
  /** The lab's own commands wait for whoever has borrowed it, so it is given back for them. */
  const runUnborrowed = async (command: string): Promise<void> => {
    if (!command.startsWith('npm run lab ')) return runOne(stage, command);
    await release();
    try {
      await runOne(stage, command);
    } finally {
      ({ release } = await borrowForest());
    }
  };

  for (const document of documents) {
    for (const block of blocksOf(document)) {
      if (block.language === 'yaml') test(`${block.place} is a file`, () => keep(stage, block));
      if (block.text.startsWith('#!')) test(`${block.place} is a script`, async () => runScript(stage, block));
      else for (const command of commandsOf(block)) test(`${block.place} ${command}`, async () => runUnborrowed(command));
    }
    for (const { place, command } of commandsInText(document)) test(`${place} ${command}`, async () => runUnborrowed(command));
  }
});

/** In PowerShell, the lines that are ours. */
function commandsOf(block: Block): readonly string[] {
  if (block.language === 'sh') return commandsIn(block);
  return block.language === 'powershell' ? commandsIn(block).filter((command) => command.startsWith('portmatrix ')) : [];
}

/** A block whose first line names a file is that file. */
function keep(stage: string, { text, place }: Block): void {
  const [, name] = /^# ([\w.-]+\.yaml)\n/.exec(text) ?? [];
  if (name !== undefined) writeFileSync(join(stage, name), inLab(text));
  else assert.ok(/^(links|except):/m.test(text), `${place}: neither a file with its name in the first line, nor a part of an inventory`);
}

async function runOne(stage: string, command: string): Promise<void> {
  const [file, words = ''] = elsewhere[command] ?? [];
  if (file !== undefined) {
    assert.ok(readFileSync(join(checkout, file), 'utf8').includes(words), `${command} is not run by ${file}`);
    return;
  }
  const isOfCheckout = /^(npm|node) /.test(command);
  const { code, stdout, stderr } = await (isOfCheckout ? attempt(['sh', '-c', command], { timeoutMs: 300_000 }) : onBastion(stage, inLab(command)));
  assert.equal(code, codes[command] ?? 0, `${stdout}\n${stderr}`);
}

async function runScript(stage: string, { text }: Block): Promise<void> {
  const { code, stdout, stderr } = await onBastion(stage, inLab(text));
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}

function inLab(text: string): string {
  return translation.reduce((words, [pattern, value]) => words.replace(pattern, value), text);
}

function onBastion(stage: string, script: string): Promise<Finished> {
  const path = [join(stage, 'bin'), process.env['PATH']].join(delimiter);
  return attempt([...inNetns(HOSTS.bastion.netns), 'env', '-C', stage, `PATH=${path}`, 'sh', '-c', script], { timeoutMs: 300_000 });
}

/** The commands that the documents take for granted: the product, a way to the other hosts, and a domain join that knows the lab's password. */
function setStage(stage: string): void {
  mkdirSync(join(stage, 'bin'));
  copyFileSync(CA_FILE, join(stage, 'corp-ca.pem'));
  writeFileSync(join(stage, 'krb5.conf'), `[libdefaults]\n  default_realm = ${REALM}\n  dns_lookup_kdc = true\n`);
  const tools = {
    portmatrix: `exec '${process.execPath}' '${bin}' "$@"`,
    ssh: `host=$1; shift; case $host in client1 | bastion1) host=\${host%1} ;; esac; exec ip netns exec "pm-$host" sh -c "$*"`,
    realm: `for domain; do :; done
printf %s '${ADMINISTRATOR.password}' | KRB5_CONFIG='${stage}/krb5.conf' \\
  exec adcli join --domain "$domain" --login-user ${ADMINISTRATOR.name} --stdin-password --host-keytab '${stage}/keytab' --computer-name docs-gate`,
  };
  for (const [name, script] of Object.entries(tools)) {
    writeFileSync(join(stage, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(stage, 'bin', name), 0o755);
  }
}

/** The endpoint runs documents as the agent of Systems Manager does. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { GetCommandInvocationCommand, type GetCommandInvocationCommandOutput } from '@aws-sdk/client-ssm';
import { documentText, instanceId, linuxNodes, openEndpoint, sendDocument, shellStep } from '../support/aws/clients.ts';
import type { EndpointOptions } from '../support/aws/endpoint.ts';
import type { ManagedNode } from '../support/aws/managed-node.ts';

const node = instanceId(1);
const unlagged = { lag: { reads: 0 } } as const satisfies EndpointOptions;

interface Run {
  readonly steps: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly values?: Record<string, string[]>;
  readonly about?: Partial<ManagedNode>;
  readonly options?: EndpointOptions;
}

/** What each step of a document left on one node. */
async function runOn(t: TestContext, { steps, parameters, values, about, options }: Run): Promise<GetCommandInvocationCommandOutput[]> {
  const endpoint = await openEndpoint(t, { ...unlagged, nodes: linuxNodes(1, about), ...options });
  const { ssm } = endpoint;
  const CommandId = await sendDocument(ssm, documentText(steps, parameters), { InstanceIds: [node], Parameters: values });
  await endpoint.ended(CommandId);
  const ends: GetCommandInvocationCommandOutput[] = [];
  for (const { name } of steps) ends.push(await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: String(name) })));
  return ends;
}

function seen({ Status, StatusDetails, ResponseCode, StandardOutputContent }: GetCommandInvocationCommandOutput): unknown[] {
  return [Status, StatusDetails, ResponseCode, StandardOutputContent];
}

const ran = ['Success', 'Success', 0, 'ran'];
const after = 'Further document steps will be skipped.';
const skipped = ['Success', 'Success', 0, ''];

describe('exit codes', { concurrency: 2 }, () => {
  const cases: readonly [string, Record<string, unknown>, readonly unknown[], readonly unknown[]][] = [
    ['0 is a success', { script: 'exit 0' }, ['Success', 'Success', 0, ''], ran],
    ['7 is a failure, and the next step runs all the same', { script: 'exit 7' }, ['Failed', 'Failed', 7, ''], ran],
    [
      '7 with onFailure: exit ends the document',
      { script: 'exit 7', onFailure: 'exit' },
      ['Failed', 'Failed', 7, `\nStep was found to have onFailure property. ${after}`],
      skipped,
    ],
    [
      '7 with onFailure: successAndExit ends it as a success',
      { script: 'exit 7', onFailure: 'successAndExit' },
      ['Success', 'Success', 168, `\nStep was found to have onFailure property. ${after}`],
      skipped,
    ],
    [
      '168 ends it as a success',
      { script: 'exit 168' },
      ['Success', 'Success', 168, `\nStep exited with code 168. Therefore, marking step as succeeded. ${after}`],
      skipped,
    ],
    [
      '169 ends it as a failure',
      { script: 'exit 169' },
      ['Failed', 'Failed', 169, `\nStep exited with code 169. Therefore, marking step as Failed. ${after}`],
      skipped,
    ],
    ['137 reads as a timeout', { script: 'exit 137' }, ['TimedOut', 'Execution Timed Out', 137, ''], ran],
    ['a child that was killed reads as one too', { script: `sh -c 'kill -9 $$'` }, ['TimedOut', 'Execution Timed Out', 137, ''], ran],
    ['a command that is not there is the 127 of the shell', { script: 'no-such-command' }, ['Failed', 'Failed', 127, ''], ran],
  ];
  for (const [name, { script, ...more }, first, second] of cases) {
    it(name, async (t) => {
      const ends = await runOn(t, { steps: [shellStep('First', String(script), more), shellStep('Second', 'printf ran')] });
      assert.deepEqual(ends.map(seen), [first, second]);
    });
  }

  it('a finallyStep at the end runs whatever came before', async (t) => {
    const steps = [shellStep('First', 'exit 169'), shellStep('Second', 'printf ran'), shellStep('Last', 'printf ran', { finallyStep: true })];
    const [, second, last] = await runOn(t, { steps });
    assert.ok(second !== undefined && last !== undefined);
    assert.deepEqual([seen(second), seen(last)], [skipped, ran]);
  });

  it('194 reboots the machine, and the step runs again', async (t) => {
    const endpoint = await openEndpoint(t, { ...unlagged, nodes: linuxNodes(1) });
    const script = 'if [ -e ../again ]; then printf done; else touch ../again; exit 194; fi';
    const steps = [shellStep('First', 'mkdir -p "$(dirname "$0")/../downloads"'), shellStep('Again', script)];
    const CommandId = await sendDocument(endpoint.ssm, documentText(steps), { InstanceIds: [node] });
    await endpoint.ended(CommandId);
    const end = await endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: 'Again' }));
    assert.deepEqual(seen(end), ['Success', 'Success', 0, 'done']);
    assert.deepEqual(endpoint.reboots, [{ instance: node, commandId: CommandId }]);
  });
});

describe('the environment of a script', { concurrency: 2 }, () => {
  it('is that of the agent: its ids, nothing of this process, no standard input, mode 0700', async (t) => {
    const script =
      'printf "%s|" "$AWS_SSM_INSTANCE_ID" "$AWS_SSM_REGION_NAME" "${SSM_COMMAND_ID:+id}" "$HOME" "$EXTRA" "$(wc -c)" "$(stat -c %a "$0")" "$(pwd)"';
    const [end] = await runOn(t, { steps: [shellStep('First', script)], about: { environment: { EXTRA: 'mine' } } });
    assert.equal(end?.StandardOutputContent, `${node}|eu-central-1|id||mine|0|700|/usr/bin|`);
  });

  it('has the prefix of its node before it', async (t) => {
    const [end] = await runOn(t, { steps: [shellStep('First', 'printf %s "$BEFORE"')], about: { prefix: ['env', 'BEFORE=prefix'] } });
    assert.equal(end?.StandardOutputContent, 'prefix');
  });

  it('ends at its timeout: SIGKILL for the whole group, 137', async (t) => {
    const endpoint = await openEndpoint(t, { ...unlagged, nodes: linuxNodes(1), nodeClock: 20 });
    const CommandId = await sendDocument(endpoint.ssm, documentText([shellStep('First', 'sleep 1000 & sleep 1000', { timeoutSeconds: '5' })]), {
      InstanceIds: [node],
    });
    await endpoint.ended(CommandId);
    const { Status, StatusDetails, ResponseCode } = await endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node }));
    assert.deepEqual([Status, StatusDetails, ResponseCode], ['TimedOut', 'Execution Timed Out', 137]);
    // What was killed takes a moment to be gone.
    while (endpoint.processes().length > 0) await setImmediate();
  });

  it('that asks for less than 5 s gets an hour', async (t) => {
    const [end] = await runOn(t, { steps: [shellStep('First', 'sleep 0.2; printf ran', { timeoutSeconds: '4' })], options: { nodeClock: 100 } });
    assert.deepEqual(end && seen(end), ran);
  });

  it('is held open by a child that keeps stdout', async (t) => {
    const script = ['mkfifo "$0.fifo"', '(read line < "$0.fifo"; printf late) &', 'printf early', '(echo > "$0.fifo") > /dev/null 2>&1 &'];
    const [end] = await runOn(t, { steps: [shellStep('First', script.join('\n'))] });
    assert.equal(end?.StandardOutputContent, 'earlylate');
  });
});

describe('parameters', { concurrency: 2 }, () => {
  const text = { type: 'String' };
  const pasted: readonly [string, string, string, string][] = [
    ['are pasted as text, also into quotes that they close', `printf '%s' '{{ Word }}'`, `a'; printf injected; '`, 'ainjected'],
    ['lose one of two dollar signs', `printf '%s' '{{ Word }}'`, 'a$$b', 'a$b'],
    ['lose what looks like a group to Go', `printf '%s' 'a{{ Word }}'`, '$HOME$(x)', 'a$(x)'],
    ['keep all where the line is nothing else', '{{ Word }}', 'printf $$$$ | tr -d 0-9', ''],
  ];
  for (const [name, script, value, output] of pasted) {
    it(name, async (t) => {
      const [end] = await runOn(t, { steps: [shellStep('First', script)], parameters: { Word: text }, values: { Word: [value] } });
      assert.equal(end?.StandardOutputContent, output);
    });
  }

  it('that name Parameter Store after pasting fail the step', async (t) => {
    const [end] = await runOn(t, {
      steps: [shellStep('First', 'printf "{{ Word }}"')],
      parameters: { Word: text },
      values: { Word: ['{{ssm:secret}}'] },
    });
    assert.equal(end?.Status, 'Failed');
    assert.match(end.StandardErrorContent ?? '', /SSM parameters/);
  });

  const script = `printf '%s|%s' "\${SSM_Word-unset}" '{{ Word }}'`;
  const variable: readonly [string, Partial<ManagedNode>, string][] = [
    ['of type ENV_VAR are variables for an agent that knows it', { agentVersion: '3.3.2746.0' }, `a'b|{{ Word }}`],
    ['of type ENV_VAR may be pasted as well', { agentVersion: '3.3.4624.0', braces: 'replaced' }, `x|x`],
    ['of type ENV_VAR are pasted by an older agent', { agentVersion: '3.3.2745.9' }, `unset|x`],
  ];
  for (const [name, about, output] of variable) {
    it(name, async (t) => {
      const parameters = { Word: { type: 'String', interpolationType: 'ENV_VAR' } };
      const [end] = await runOn(t, {
        steps: [shellStep('First', script)],
        parameters,
        values: { Word: [output.startsWith('a') ? `a'b` : 'x'] },
        about,
      });
      assert.equal(end?.StandardOutputContent, output);
    });
  }

  it('decide with platformType which steps run', async (t) => {
    const step = (name: string, terms: readonly string[]): Record<string, unknown> => ({
      ...shellStep(name, 'printf ran'),
      precondition: { StringEquals: terms },
    });
    const steps = [
      step('Linux', ['platformType', 'Linux']),
      step('Windows', ['Windows', 'platformType']),
      step('Wanted', ['{{ Fetch }}', 'download']),
      step('Unwanted', ['{{ Fetch }}', 'url']),
    ];
    const ends = await runOn(t, { steps, parameters: { Fetch: { type: 'String', default: 'download' } } });
    assert.deepEqual(ends.map(seen), [ran, skipped, ran, skipped]);
  });

  it('put a value into timeoutSeconds too', async (t) => {
    const steps = [shellStep('First', 'sleep 1000', { timeoutSeconds: '{{ Seconds }}' })];
    const [end] = await runOn(t, { steps, parameters: { Seconds: text }, values: { Seconds: ['5'] }, options: { nodeClock: 50 } });
    assert.equal(end?.StatusDetails, 'Execution Timed Out');
  });
});

describe('PowerShell', { concurrency: 2 }, () => {
  const step = {
    action: 'aws:runPowerShellScript',
    name: 'Windows',
    precondition: { StringEquals: ['platformType', 'Windows'] },
    inputs: { runCommand: ['Write-Output {{ Word }}'] },
  };
  const windows: Partial<ManagedNode> = { platform: 'Windows' };
  const run: Run = { steps: [step], parameters: { Word: { type: 'String' } }, values: { Word: ['x'] }, about: windows };

  it('is what the test runs instead', async (t) => {
    const powershell: EndpointOptions['powershell'] = ({ text, environment }) =>
      Promise.resolve({ code: 3, stdout: Buffer.from(`${text}${environment['AWS_SSM_INSTANCE_ID']}`), stderr: Buffer.alloc(0) });
    const [end] = await runOn(t, { ...run, options: { powershell } });
    assert.deepEqual(end && seen(end), ['Failed', 'Failed', 3, `Write-Output x\n${node}`]);
  });

  it('that does not end is ended at its timeout, -1', async (t) => {
    const timed = { ...step, inputs: { ...step.inputs, timeoutSeconds: 5 } };
    const [end] = await runOn(t, { ...run, steps: [timed], options: { nodeClock: 50, powershell: () => new Promise(() => undefined) } });
    assert.deepEqual(end && seen(end), ['TimedOut', 'Execution Timed Out', -1, '']);
  });

  it('fails where nobody runs it', async (t) => {
    const [end] = await runOn(t, run);
    assert.deepEqual([end?.Status, end?.StandardErrorContent], ['Failed', 'failed to run commands: there is no PowerShell here']);
  });
});

describe('output', { concurrency: 2 }, () => {
  const sizes: readonly [number, number, boolean][] = [
    [23_999, 23_999, false],
    [24_000, 24_000, true],
    [100_000, 24_000, true],
  ];
  for (const [bytes, length, isCut] of sizes) {
    it(`of ${bytes} bytes comes back as ${length}${isCut ? ', with a suffix that says so' : ''}`, async (t) => {
      const [end] = await runOn(t, {
        steps: [shellStep('First', `head -c ${bytes} /dev/zero | tr '\\0' x; head -c ${bytes} /dev/zero | tr '\\0' y >&2`)],
      });
      assert.equal(end?.StandardOutputContent?.length, length);
      assert.equal(end.StandardOutputContent.endsWith('--output truncated--'), isCut);
      assert.equal(end.StandardErrorContent, 'y'.repeat(8_000));
    });
  }
});

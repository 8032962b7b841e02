import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeMessage, type Message } from '../../agent/contract/message.ts';
import type { Errand } from '../../src/connectors/connector.ts';
import { isOver, partsIn, readRun, undelivered } from '../../src/connectors/ssm/invocation.ts';

const errand: Errand = {
  place: { region: 'eu-central-1' },
  command: '11111111-2222-3333-4444-555555555555',
  instance: 'i-0123456789abcdef0',
  platform: 'linux',
  fetches: false,
  endsBy: 0,
};
const success = { status: 'Success', details: 'Success' };
const failed = { status: 'Failed', details: 'Failed' };
const bye: Message = { kind: 'bye', reason: 'finished' };
const frame: Message = { kind: 'frame', text: 'AAAA.0123456789abcdef' };

describe('an invocation', () => {
  it('is over when nothing changes any more', () => {
    const over = {
      Success: true,
      Failed: true,
      TimedOut: true,
      Cancelled: true,
      Pending: false,
      InProgress: false,
      Delayed: false,
      Cancelling: false,
    };
    for (const [status, expected] of Object.entries(over)) assert.equal(isOver({ status, details: status }), expected, status);
  });

  const words = [
    ['TimedOut', 'Delivery Timed Out'],
    ['TimedOut', 'DeliveryTimedOut'],
    ['Failed', 'Undeliverable'],
    ['Failed', 'Invalid Platform'],
    ['Failed', 'Access Denied'],
    ['Cancelled', 'Terminated'],
    ['Cancelled', 'Cancelled'],
  ] as const;
  for (const [status, details] of words) {
    it(`of which Systems Manager says "${details}" ran nothing, in those words`, () => {
      assert.equal(undelivered({ status, details }, errand), `${errand.instance}: Systems Manager says "${details}"`);
    });
  }

  it('that ran, well or badly, is read by its step', () => {
    for (const ran of [success, failed, { status: 'TimedOut', details: 'Execution Timed Out' }]) assert.equal(undelivered(ran, errand), undefined);
  });
});

describe('a run step', () => {
  it('says what its agent said, between whatever else is printed, and whether that is all', () => {
    const stdout = `motd\r\n${encodeMessage(frame)}\r\n${encodeMessage(bye)}\r\n`;
    assert.deepEqual(readRun({ exitCode: 0, stdout, stderr: '' }, errand, success), { kind: 'said', messages: [frame, bye], isWhole: true });
    assert.deepEqual(readRun({ exitCode: 0, stdout: '', stderr: '' }, errand, success), { kind: 'said', messages: [], isWhole: false });
    const cut = `${encodeMessage(frame).slice(0, -5)}--output truncated--`;
    assert.deepEqual(readRun({ exitCode: 0, stdout: cut, stderr: '' }, errand, success), { kind: 'said', messages: [], isWhole: false });
  });

  it('without the agent is missing it once; with leave to fetch it has failed', () => {
    const end = { exitCode: 10, stdout: '', stderr: 'portmatrix: runtime-missing: linux-arm64 is not in /var/lib/portmatrix-agent\n' };
    assert.deepEqual(readRun(end, errand, failed), { kind: 'missing', lacks: 'linux-arm64' });
    const inline = { ...end, stderr: 'portmatrix: runtime-missing: there is no Node.js on this host where the document looks for it\n' };
    assert.equal(readRun(inline, errand, failed).kind, 'failed');
    assert.equal(readRun(end, { ...errand, fetches: true }, failed).kind, 'failed');
  });

  const failures: readonly (readonly [exitCode: number, stderr: string, details: string, why: RegExp])[] = [
    [
      12,
      'portmatrix: bundle-hash: expected aa, found bb\n',
      'Failed',
      /the agent on this host is not the published one \(expected aa, found bb\); the next run fetches it anew/,
    ],
    [18, 'blocked by policy\r\n', 'Failed', /application control .* \(blocked by policy\); allow the runtime there by its hash/],
    [1, '', 'Failed', /its step ended with 1 \("Failed"\)$/],
    [137, '', 'Execution Timed Out', /Systems Manager says "Execution Timed Out"$/],
    [-1, '', 'Execution Timed Out', /Systems Manager says "Execution Timed Out"$/],
  ];
  for (const [exitCode, stderr, details, why] of failures) {
    it(`that ended with ${exitCode} (${details}) says why`, () => {
      const reading = readRun({ exitCode, stdout: `${encodeMessage(bye)}\n`, stderr }, errand, { status: 'Failed', details });
      assert.equal(reading.kind, 'failed');
      if (reading.kind === 'failed') assert.match(reading.why, why);
    });
  }

  it('has one part where nothing else is said', () => {
    assert.equal(partsIn([frame, bye]), 1);
  });
});

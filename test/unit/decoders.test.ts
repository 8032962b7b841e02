/** What strangers may send: every decoder answers, whatever comes, and takes no cut reply for a whole one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import type { Decoded } from '../../agent/codecs/decoded.ts';
import { decoders, type Use } from '../support/decoders.ts';
import { type Manner, strangerBytes } from '../support/strangers.ts';
import { watchdog } from '../support/watchdog.ts';

/** Inputs of each manner that each decoder is given in each of its uses: more than 10,000 of all three. */
const inputs = 3_334;
const manners: readonly Manner[] = ['random', 'truncated', 'mutated'];

/** Twice that is far more than any input takes, on the slowest machine. */
const guarded = watchdog(30_000);

/** Decodes, and holds the decoder to what every one of them promises. */
function answer({ decode, cut }: Use, received: Buffer): Decoded<unknown> {
  const before = Buffer.from(received);
  const decoded = guarded(() => decode(received));
  assert.ok(before.equals(received), 'it changed what it was given');
  switch (decoded.kind) {
    case 'value':
      assert.ok(decoded.length >= 0 && decoded.length <= received.length, 'it took more than there was');
      break;
    case 'malformed':
      assert.ok(decoded.why.length > 0 && decoded.why.length < 300, decoded.why);
      break;
    case 'incomplete':
      assert.notEqual(cut, 'malformed', 'nothing more can come');
      break;
    default:
      decoded satisfies never;
  }
  return decoded;
}

test('every decoder of the agent and of the contract is in the table', async () => {
  const found: string[] = [];
  for (const file of globSync('agent/{codecs,contract}/*.ts')) {
    const exports: object = await import(pathToFileURL(file).href);
    const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function');
    found.push(...functions.map(([name]) => name).filter((name) => /^(?:decode|read|unpack)[A-Z]/.test(name)));
  }
  assert.deepEqual(Object.keys(decoders).sort(), found.sort());
});

test('one that hangs would end this process, and say so', () => {
  const script = `import { watchdog } from './test/support/watchdog.ts'; const guarded = watchdog(50); guarded(() => 1); guarded(() => { for (;;); });`;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([signal, stderr], ['SIGKILL', 'step 2 hung for 50 ms\n']);
});

for (const [name, uses] of Object.entries(decoders)) {
  for (const [index, use] of uses.entries()) {
    const { decode, messages, cut } = use;
    describe(uses.length === 1 ? name : `${name}, use ${index + 1}`, () => {
      test('a true message is read whole, and what follows it is not taken', () => {
        for (const message of messages) {
          const decoded = answer(use, message);
          assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
          assert.equal(decoded.length, message.length);
          const followed = answer(use, Buffer.concat([message, Buffer.alloc(3, 0x30)]));
          if (followed.kind === 'value' && cut === 'incomplete') assert.deepEqual(followed, decoded);
        }
      });

      test('cut at any byte it is no value', () => {
        for (const message of messages) {
          for (let length = 0; length < message.length; length += 1) {
            const { kind } = answer(use, message.subarray(0, length));
            if (cut === 'no-value') assert.notEqual(kind, 'value', `at ${length}`);
            else if (cut !== 'any') assert.equal(kind, cut, `at ${length}`);
          }
        }
      });

      for (const manner of manners) {
        test(`${inputs} ${manner} inputs are answered`, () => {
          fc.assert(
            fc.property(fc.noBias(fc.integer()), (seed) => {
              const input = strangerBytes(manner, messages, seed);
              const first = answer(use, input);
              // A decoder with a memory would betray it in any of many.
              if (seed % 16 === 0) assert.deepEqual(decode(Buffer.from(input)), first);
            }),
            { numRuns: inputs },
          );
        });
      }

      test('any two or four bytes may be the highest number, and as much may follow as there is', () => {
        for (const message of messages) {
          for (const highest of ['ffff', 'ffffffff', '0000', '00000000', '7fffffff', 'ffffff7f']) {
            for (let at = 0; at + highest.length / 2 <= message.length; at += 1) {
              const bent = Buffer.from(message);
              bent.write(highest, at, 'hex');
              answer(use, bent);
              // A few places are enough here, since each takes a thousand times as long.
              if (at % 32 === 0 || at < 16) answer(use, Buffer.concat([bent, Buffer.alloc(70_000, 0xc0)]));
            }
          }
        }
      });

      test('a message of nothing but small parts, as long as may be, is answered', () => {
        const [message = Buffer.alloc(1)] = messages;
        for (const filler of ['0400', '3000', '0201', 'c018', 'c00c', '00', 'ff', '20', '0a', '3c61']) {
          const content = Buffer.alloc(65_000, Buffer.from(filler, 'hex'));
          answer(use, content);
          answer(use, Buffer.concat([message, content]));
          answer(use, Buffer.concat([message.subarray(0, 1), Buffer.from([0x83, 0, content.length >> 8, content.length & 0xff]), content]));
        }
      });
    });
  }
}

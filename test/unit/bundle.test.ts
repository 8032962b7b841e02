import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { agentScript } from '../../src/bundle.ts';

describe('the script of the agent', async () => {
  const script = await agentScript();

  test('has at most 120,000 bytes', () => {
    const bytes = Buffer.byteLength(script);
    assert.ok(bytes <= 120_000, `${bytes} bytes: esbuild's metafile tells what they are`);
  });

  test('has at most 44,000 characters, compressed and in base64: what a command channel carries', () => {
    const characters = brotliCompressSync(script).toString('base64').length;
    assert.ok(characters <= 44_000, `${characters} characters: is there something in it that the agent does not use?`);
  });

  test('is the same each time', async () => {
    assert.equal(await agentScript(), script);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { agentScript } from '../../src/bundle.ts';

for (const [name, agent] of [
  ['the script of the agent', 'usual'],
  ['the script of the agent in a step', 'ssm'],
] as const) {
  describe(name, async () => {
    const script = await agentScript(agent);

    test('has at most 120,000 bytes', () => {
      const bytes = Buffer.byteLength(script);
      assert.ok(bytes <= 120_000, `${bytes} bytes: esbuild's metafile tells what they are`);
    });

    test('has at most 44,000 characters, compressed and in base64: what a command channel carries', () => {
      const characters = brotliCompressSync(script).toString('base64').length;
      assert.ok(characters <= 44_000, `${characters} characters: is there something in it that the agent does not use?`);
    });

    test('is the same each time', async () => {
      assert.equal(await agentScript(agent), script);
    });
  });
}

test('the agent in a step locates nobody and asks for no ticket', async () => {
  const script = await agentScript('ssm');
  for (const words of ['_ldap._tcp.pdc._msdcs', 'KRB5_CONFIG']) assert.ok(!script.includes(words), words);
});

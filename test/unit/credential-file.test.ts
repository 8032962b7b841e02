import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeCredentialCache, decodeKeyTable } from '../../agent/codecs/credential-file.ts';
import { cacheEndsAt, credentialCache, keyTable } from '../support/credentials.ts';

function valueOf<T>(decoded: { readonly kind: 'value'; readonly value: T } | { readonly kind: string }): T {
  assert.ok('value' in decoded, JSON.stringify(decoded));
  return decoded.value;
}

describe('a credential cache', () => {
  test('says whom it is for, and what it has ticket-granting tickets for', () => {
    const { principal, grants } = valueOf(decodeCredentialCache(credentialCache));
    assert.equal(principal, 'alice@CORP.EXAMPLE.TEST');
    assert.deepEqual(grants, [{ realm: 'CORP.EXAMPLE.TEST', endsAt: cacheEndsAt }]);
  });

  test('bare of all but those is a cache still, and has no ticket for a service', () => {
    const { bare } = valueOf(decodeCredentialCache(credentialCache));
    assert.ok(credentialCache.includes('dc1.corp.example.test') && !bare.includes('dc1.corp.example.test'));
    assert.ok(!bare.includes('X-CACHECONF'));
    const again = valueOf(decodeCredentialCache(bare));
    assert.deepEqual([again.principal, again.grants.length], ['alice@CORP.EXAMPLE.TEST', 1]);
    assert.deepEqual(again.bare, bare);
  });

  test('that is cut anywhere inside an entry is malformed', () => {
    let malformed = 0;
    for (let length = 0; length < credentialCache.length; length += 1) {
      if (decodeCredentialCache(credentialCache.subarray(0, length)).kind === 'malformed') malformed += 1;
    }
    // It may end after the owner's name, and after each of three entries but the last.
    assert.equal(malformed, credentialCache.length - 3);
  });

  test('of another version, or nonsense, is malformed', () => {
    assert.equal(decodeCredentialCache(keyTable).kind, 'malformed');
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => decodeCredentialCache(Buffer.from(noise)).kind === 'malformed'));
  });
});

describe('a key table', () => {
  test('says whom it has keys for, in its order, and steps over holes', () => {
    assert.deepEqual(valueOf(decodeKeyTable(keyTable)), [
      { principal: 'host/client.corp.example.test@CORP.EXAMPLE.TEST', realm: 'CORP.EXAMPLE.TEST' },
      { principal: 'CLIENT$@CORP.EXAMPLE.TEST', realm: 'CORP.EXAMPLE.TEST' },
    ]);
  });

  test('that ends inside an entry is malformed, and so is a cache', () => {
    assert.equal(decodeKeyTable(keyTable.subarray(0, -1)).kind, 'malformed');
    assert.equal(decodeKeyTable(credentialCache).kind, 'malformed');
  });
});

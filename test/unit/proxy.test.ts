import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Environment, wayTo } from '../../agent/proxy.ts';

const name = 'ssm.eu-central-1.amazonaws.com';

/** The way in a few words: `direct`, `proxy.corp:3128`, `proxy.corp:3128 withheld`, or why there is none. */
function way(environment: Environment, to = name): string {
  const found = wayTo(to, environment);
  if (found.kind === 'direct') return 'direct';
  return found.kind === 'unusable' ? found.why : `${found.host}:${found.port}${found.withheld ? ' withheld' : ''}`;
}

type Case = readonly [what: string, environment: Environment, way: string];

const cases: readonly Case[] = [
  ['an environment without a proxy', {}, 'direct'],
  ['HTTPS_PROXY', { HTTPS_PROXY: 'http://proxy.corp:3128' }, 'proxy.corp:3128'],
  ['https_proxy before HTTPS_PROXY', { https_proxy: 'http://low:1', HTTPS_PROXY: 'http://high:2' }, 'low:1'],
  ['HTTPS_PROXY before all_proxy', { all_proxy: 'http://all:1', HTTPS_PROXY: 'http://high:2' }, 'high:2'],
  ['ALL_PROXY, where nothing else is set', { ALL_PROXY: 'http://all:1' }, 'all:1'],
  ['an empty https_proxy, which hides the others', { https_proxy: '', HTTPS_PROXY: 'http://high:2', ALL_PROXY: 'http://all:1' }, 'direct'],
  ['HTTP_PROXY, which is not for https', { HTTP_PROXY: 'http://plain:1', http_proxy: 'http://plain:1' }, 'direct'],
  ['a proxy without a scheme', { https_proxy: 'Proxy.Corp:3128' }, 'proxy.corp:3128'],
  ['a proxy with a path', { https_proxy: 'http://proxy.corp:3128/' }, 'proxy.corp:3128'],
  ['a proxy by its IPv4 address', { https_proxy: 'http://10.0.0.1:8080' }, '10.0.0.1:8080'],
  ['a proxy by its IPv6 address', { https_proxy: 'http://[fd00::1]:8080' }, 'fd00::1:8080'],
  ['a user and a password, which stay here', { https_proxy: 'http://me:se:c@ret@proxy.corp:3128' }, 'proxy.corp:3128 withheld'],
  ['a proxy that wants TLS', { https_proxy: 'https://proxy.corp:3129' }, 'https_proxy names a proxy that speaks https, and only http is spoken here'],
  ['a SOCKS proxy', { ALL_PROXY: 'socks5h://proxy.corp:1080' }, 'ALL_PROXY names a proxy that speaks socks5h, and only http is spoken here'],
  [
    'no port',
    { https_proxy: 'http://proxy.corp' },
    'https_proxy names the proxy proxy.corp without a port, and programs disagree on which one that means',
  ],
  ['a port that does not exist', { https_proxy: 'http://proxy.corp:70000' }, 'https_proxy names a port that does not exist'],
  ['what is no URL, without a word of it', { HTTPS_PROXY: 'http://me:secret@' }, 'HTTPS_PROXY is not the URL of a proxy'],
];

describe('the way to an endpoint', () => {
  for (const [what, environment, expected] of cases) test(what, () => assert.equal(way(environment), expected));
});

const exemptions: readonly (readonly [list: string, isDirect: boolean])[] = [
  ['ssm.eu-central-1.amazonaws.com', true],
  ['SSM.EU-CENTRAL-1.AMAZONAWS.COM.', true],
  ['amazonaws.com', true],
  ['.amazonaws.com', true],
  ['localhost,127.0.0.1,.amazonaws.com', true],
  ['localhost 127.0.0.1 amazonaws.com', true],
  ['*', true],
  ['localhost, *', true],
  ['', false],
  [' , ', false],
  ['.', false],
  ['aws.com', false],
  ['*.amazonaws.com', false],
  ['ssm.eu-central-1', false],
  ['x.ssm.eu-central-1.amazonaws.com', false],
  ['10.0.0.0/8,169.254.169.254', false],
];

describe('NO_PROXY', () => {
  for (const [list, isDirect] of exemptions) {
    test(`${JSON.stringify(list)} ${isDirect ? 'exempts' : 'does not exempt'} ${name}`, () => {
      assert.equal(way({ HTTPS_PROXY: 'http://proxy.corp:3128', NO_PROXY: list }), isDirect ? 'direct' : 'proxy.corp:3128');
    });
  }

  test('in small letters goes before the one in capitals', () => {
    assert.equal(way({ HTTPS_PROXY: 'http://p:1', NO_PROXY: '*', no_proxy: 'other.example' }), 'p:1');
  });
});

/** Protocols that the forest does not speak, asked of servers that other people wrote. It needs no forest. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Report } from '../../src/report.ts';
import { wordsOf } from './cells.ts';
import { installLabPackages } from './packages.ts';
import { type Peers, PEERS, startPeers } from './peers.ts';
import { runProduct } from './product.ts';

const { installed, reason } = installLabPackages();

const about = { traffic: 'what the peer serves', usage: ['management'] };
const rules = [
  { id: 'rdgw', ports: ['443/tcp'], probe: 'rdgw', ...about },
  { id: 'quic', ports: ['443/udp'], probe: 'quic', ...about },
  { id: 'rdp', ports: ['3389/tcp'], probe: 'rdp', ...about },
  { id: 'ntp', ports: ['123/udp'], probe: 'ntp', ...about },
  ...(['nginx', 'caddy'] as const).map((peer) => ({
    id: `https-${peer}`,
    to: { name: PEERS[peer].name },
    ports: ['443/tcp'],
    probe: 'https',
    ...about,
  })),
];
const matrix = JSON.stringify({ matrix: 'peers', title: 'Peers', from: 'near', to: 'peer', source: 'https://example.test/', rules });

const refused = { tcp: 'closed conn-refused -> fail refused', udp: 'closed port-unreach -> fail refused' } as const;

describe('servers of others', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let peers: Peers | undefined;
  let report: Report;

  before(async () => {
    peers = await startPeers();
    const hosts = Object.entries(PEERS).map(([name, { address, name: dnsName }]) => ({ name, address, dnsName, roles: ['peer'], connector: 'none' }));
    const near = { name: 'near', address: '127.0.0.1', roles: ['near'], connector: { exec: peers.prefix } };
    const inventory = JSON.stringify({ domain: 'peers.test', authorities: peers.caFile, hosts: [near, ...hosts] });
    ({ report } = await runProduct(inventory, matrix));
  });
  after(async () => peers?.stop());

  function factsOf(id: string): Facts {
    const outcome = report.results.find(({ check }) => check.id === id)?.outcome;
    assert.ok(outcome?.kind === 'observed' && outcome.service !== undefined, id);
    return outcome.service.facts;
  }

  test('each answers in its own protocol and refuses the others', () => {
    const rows = report.results.map(({ check, outcome, verdict }): [string, string] => [
      `${check.destination} ${check.rule}`,
      `${wordsOf(outcome)} -> ${[verdict.status, verdict.finding?.code].filter((word) => word !== undefined).join(' ')}`,
    ]);
    const serves = 'open syn-ack identified -> pass';
    const answers = 'open udp-response identified -> pass';
    const noGateway = 'open syn-ack identified -> fail no-gateway';
    assert.deepEqual(Object.fromEntries(rows), {
      'nginx rdgw': noGateway,
      'nginx quic': refused.udp,
      'nginx rdp': refused.tcp,
      'nginx ntp': refused.udp,
      'caddy rdgw': noGateway,
      'caddy quic': answers,
      'caddy rdp': refused.tcp,
      'caddy ntp': refused.udp,
      'xrdp rdgw': refused.tcp,
      'xrdp quic': refused.udp,
      'xrdp rdp': serves,
      'xrdp ntp': refused.udp,
      'chrony rdgw': refused.tcp,
      'chrony quic': refused.udp,
      'chrony rdp': refused.tcp,
      'chrony ntp': answers,
      'nginx.peers.test https-nginx': serves,
      'caddy.peers.test https-caddy': serves,
    });
  });

  for (const [peer, server, status] of [
    ['nginx', /^nginx\/\d/, 404],
    ['caddy', /^Caddy$/, 200],
  ] as const) {
    test(`${peer} shows its certificate, and an HTTP status`, () => {
      const { certificateChain, certificateNames, httpServer, httpStatus, addresses } = factsOf(
        `peers/https-${peer}/near->${PEERS[peer].name}:443/tcp`,
      );
      assert.deepEqual(
        [certificateChain, certificateNames, httpStatus, addresses],
        ['trusted', ['*.peers.test'], status, [`${PEERS[peer].address} open`]],
      );
      assert.match(httpServer ?? '', server);
    });
  }

  test('a web server that is no gateway is told by its status', () => {
    const statuses = (['nginx', 'caddy'] as const).map((peer) => factsOf(`peers/rdgw/near->${peer}:443/tcp`).httpStatus);
    assert.deepEqual(statuses, [405, 200]);
  });

  test('Caddy speaks version 1 of QUIC', () => {
    assert.ok(factsOf('peers/quic/near->caddy:443/udp').quicVersions?.includes('0x00000001'));
  });

  test('xrdp chooses TLS, and chrony tells its stratum', () => {
    assert.equal(factsOf('peers/rdp/near->xrdp:3389/tcp').rdpSecurity, 'tls');
    const { stratum, leap } = factsOf('peers/ntp/near->chrony:123/udp');
    assert.deepEqual([stratum, leap], [8, 0]);
  });
});

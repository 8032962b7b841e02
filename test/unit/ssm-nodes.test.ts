import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchNode, type Node, type Nodes } from '../../src/connectors/ssm/nodes.ts';

const instance = 'i-0123456789abcdef0';
const region = 'eu-central-1';
const online: Node = { instance, ping: 'Online', platform: 'Linux' };

function known(...nodes: readonly Node[]): Nodes {
  return { byId: new Map(nodes.map((node) => [node.instance, node])), byTag: new Map([['Name=dc1', nodes]]) };
}

describe('a host is a managed node', () => {
  const byId = { wanted: { instance }, region } as const;
  const byTag = { wanted: { tag: ['Name', 'dc1'] }, region } as const;

  it('that is online, by its id or by a tag that it alone has', () => {
    for (const wanted of [byId, byTag]) assert.deepEqual(matchNode({}, wanted, known(online)), { node: online, platform: 'linux' });
    const windows = { ...online, platform: 'Windows' };
    assert.deepEqual(matchNode({ os: 'windows' }, byId, known(windows)), { node: windows, platform: 'windows' });
  });

  const refused: readonly (readonly [
    why: string,
    host: Parameters<typeof matchNode>[0],
    wanted: Parameters<typeof matchNode>[1],
    nodes: Nodes,
    words: string,
  ])[] = [
    ['is not there', {}, byId, known(), `Systems Manager in ${region} knows no managed node with ${instance}`],
    ['has no such tag', {}, byTag, known(), `Systems Manager in ${region} knows no managed node with the tag Name=dc1`],
    [
      'shares its tag',
      {},
      byTag,
      known(online, { ...online, instance: 'mi-0123456789abcdef0' }),
      `2 managed nodes in ${region} have the tag Name=dc1 (${instance}, mi-0123456789abcdef0)`,
    ],
    [
      'is offline',
      {},
      byId,
      known({ ...online, ping: 'ConnectionLost', lastPing: '2026-01-31T06:00:00.000Z' }),
      `${instance} is ConnectionLost in Systems Manager, last heard of at 2026-01-31T06:00:00.000Z`,
    ],
    ['runs what no agent is made for', {}, byId, known({ ...online, platform: 'MacOS' }), `${instance} runs MacOS, for which there is no agent`],
    [
      'is another machine than the inventory says',
      { os: 'windows' },
      byId,
      known(online),
      `${instance} runs Linux, and the inventory says that the host runs Windows`,
    ],
  ];
  for (const [why, host, wanted, nodes, words] of refused) {
    it(`and is refused where it ${why}`, () => {
      assert.deepEqual(matchNode(host, wanted, nodes), { refused: words });
    });
  }
});

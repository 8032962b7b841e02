/** The endpoint lists managed nodes as Systems Manager does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DescribeInstanceInformationCommandInput,
  DescribeInstanceInformationCommand,
  GetConnectionStatusCommand,
  paginateDescribeInstanceInformation,
} from '@aws-sdk/client-ssm';
import { clientsFor, instanceId, linuxNodes, openEndpoint } from '../support/aws/clients.ts';
import type { Endpoint } from '../support/aws/endpoint.ts';
import type { ManagedNode } from '../support/aws/managed-node.ts';

describe('managed nodes', { concurrency: 2 }, () => {
  const hybrid: ManagedNode = {
    instance: `mi-${'0'.repeat(16)}a`,
    platform: 'Windows',
    computerName: 'dc2.corp.example',
    tags: { Name: 'dc2', stage: 'test' },
  };
  const nodes: readonly ManagedNode[] = [
    {
      instance: instanceId(1),
      platform: 'Linux',
      computerName: 'dc1',
      ipAddress: '10.0.0.1',
      agentVersion: '3.2.582.0',
      tags: { Name: 'dc1', stage: 'test' },
    },
    { instance: instanceId(2), platform: 'Linux', fault: { kind: 'offline' }, tags: { Name: 'dc3' } },
    hybrid,
  ];

  it('come in pages of ten, each once', async (t) => {
    const { ssm, calls } = await openEndpoint(t, { nodes: linuxNodes(23) });
    const found: (string | undefined)[] = [];
    for await (const page of paginateDescribeInstanceInformation({ client: ssm }, {})) {
      found.push(...(page.InstanceInformationList ?? []).map(({ InstanceId }) => InstanceId));
    }
    assert.deepEqual(
      found,
      linuxNodes(23).map(({ instance }) => instance),
    );
    assert.equal(calls.length, 3);
  });

  const filters: readonly [string, DescribeInstanceInformationCommandInput, readonly string[]][] = [
    ['an id', { Filters: [{ Key: 'InstanceIds', Values: [instanceId(2)] }] }, ['2']],
    ['an id that is not managed', { Filters: [{ Key: 'InstanceIds', Values: [instanceId(9)] }] }, []],
    ['a tag', { Filters: [{ Key: 'tag:Name', Values: ['dc1', 'dc3'] }] }, ['1', '2']],
    [
      'two tags',
      {
        Filters: [
          { Key: 'tag:Name', Values: ['dc1', 'dc3'] },
          { Key: 'tag:stage', Values: ['test'] },
        ],
      },
      ['1'],
    ],
    ['the key of a tag', { Filters: [{ Key: 'tag-key', Values: ['stage'] }] }, ['1', 'a']],
    ['being online', { Filters: [{ Key: 'PingStatus', Values: ['Online'] }] }, ['1', 'a']],
    ['being lost', { InstanceInformationFilterList: [{ key: 'PingStatus', valueSet: ['ConnectionLost'] }] }, ['2']],
    [
      'platform and kind',
      {
        Filters: [
          { Key: 'PlatformTypes', Values: ['Windows'] },
          { Key: 'ResourceType', Values: ['ManagedInstance'] },
        ],
      },
      ['a'],
    ],
  ];
  for (const [name, input, expected] of filters) {
    it(`are found by ${name}`, async (t) => {
      const { ssm } = await openEndpoint(t, { nodes });
      const { InstanceInformationList } = await ssm.send(new DescribeInstanceInformationCommand(input));
      assert.deepEqual(
        InstanceInformationList?.map(({ InstanceId }) => InstanceId?.slice(-1)),
        expected,
      );
    });
  }

  const refused: readonly [string, DescribeInstanceInformationCommandInput, string][] = [
    ['fewer than five a page', { MaxResults: 4 }, 'ValidationException'],
    ['more than fifty a page', { MaxResults: 51 }, 'ValidationException'],
    [
      'more than a hundred values',
      { Filters: [{ Key: 'InstanceIds', Values: linuxNodes(101).map(({ instance }) => instance) }] },
      'ValidationException',
    ],
    [
      'tags beside other filters',
      {
        Filters: [
          { Key: 'tag:Name', Values: ['dc1'] },
          { Key: 'PingStatus', Values: ['Online'] },
        ],
      },
      'ValidationException',
    ],
    ['a filter that there is not', { Filters: [{ Key: 'Colour', Values: ['red'] }] }, 'InvalidFilterKey'],
    ['a state that there is not', { Filters: [{ Key: 'PingStatus', Values: ['Asleep'] }] }, 'InvalidInstanceInformationFilterValue'],
    ['what is no id', { Filters: [{ Key: 'InstanceIds', Values: ['dc1'] }] }, 'InvalidInstanceId'],
    ['a token that nobody gave', { NextToken: 'x' }, 'InvalidNextToken'],
  ];
  for (const [name, input, error] of refused) {
    it(`asked for with ${name} are ${error}`, async (t) => {
      const { ssm } = await openEndpoint(t, { nodes });
      await assert.rejects(ssm.send(new DescribeInstanceInformationCommand(input)), { name: error });
    });
  }

  it('say what the agent reports, and whether a session could be opened', async (t) => {
    const { ssm } = await openEndpoint(t, { nodes });
    const { InstanceInformationList: [one, lost, mi] = [] } = await ssm.send(new DescribeInstanceInformationCommand({}));
    assert.deepEqual(
      [one?.PlatformType, one?.AgentVersion, one?.IPAddress, one?.ComputerName, one?.Name],
      ['Linux', '3.2.582.0', '10.0.0.1', 'dc1', undefined],
    );
    assert.deepEqual([lost?.PingStatus, mi?.ResourceType, mi?.Name], ['ConnectionLost', 'ManagedInstance', 'dc2.corp.example']);
    const statuses = await Promise.all(nodes.map(({ instance }) => ssm.send(new GetConnectionStatusCommand({ Target: instance }))));
    assert.deepEqual(
      statuses.map(({ Status }) => Status),
      ['connected', 'notconnected', 'connected'],
    );
  });

  it('belong to one account and Region', async (t) => {
    const account = '999900001111';
    const endpoint: Endpoint = await openEndpoint(t, { nodes: [...linuxNodes(1), { ...hybrid, account }, { ...hybrid, region: 'us-east-1' }] });
    const counts = [];
    for (const [of, region] of [
      ['111122223333', 'eu-central-1'],
      [account, 'eu-central-1'],
      ['111122223333', 'us-east-1'],
      [account, 'us-east-1'],
    ]) {
      const { InstanceInformationList } = await clientsFor(t, endpoint, of, region).ssm.send(new DescribeInstanceInformationCommand({}));
      counts.push(InstanceInformationList?.map(({ PlatformType }) => PlatformType).join());
    }
    assert.deepEqual(counts, ['Linux', 'Windows', 'Windows', '']);
  });
});

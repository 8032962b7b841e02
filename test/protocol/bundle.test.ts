/** The agent as one script, which holds no more of its packages than it uses: it must still ask every question. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traitsOf } from '../../agent/contract/probe.ts';
import { runAgent } from '../bench/agent-process.ts';
import { makeIdentity } from '../support/certificate.ts';
import { jobOf } from '../support/jobs.ts';
import { rulesForAll, usuallySpoken } from '../support/peers.ts';

test('the script understands every service over every transport', async (t) => {
  const identity = makeIdentity('dc1.corp.example.test');
  const rules = await rulesForAll(t, usuallySpoken, identity);

  const { results } = await runAgent(jobOf(rules), 'client', []);

  const told = results.map(({ index, outcome }) => {
    const rule = rules[index];
    const what = outcome.kind === 'failed' ? outcome.code : `${outcome.state} ${outcome.service?.status ?? 'port'}`;
    return `${rule?.probe} over ${rule?.transport}: ${what}`;
  });
  const understood = rules.map(({ probe, transport }) => `${probe} over ${transport}: open ${traitsOf(probe).identifies ? 'identified' : 'port'}`);
  assert.deepEqual(told.sort(), understood.sort());
});

/** Destinations that rules name: what each source makes of them. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { expand, fingerprint } from '../../agent/contract/expand.ts';
import { readInventory } from '../../src/inventory.ts';
import { findMatrix } from '../../src/matrix.ts';
import { type Choice, plan, type Plan, plannedChecks } from '../../src/plan.ts';
import { UsageError } from '../../src/usage-error.ts';
import { far, near, type WrittenHost } from '../support/binary.ts';
import { idsOf, usualChoice } from '../support/planning.ts';
import { folderWith } from '../support/temporary-folder.ts';

interface NamedRule {
  readonly id: string;
  readonly to?: string;
  readonly [field: string]: unknown;
}

const regional: NamedRule = { id: 'ssm', to: 'ssm.{region}.amazonaws.com' };
const fixed: NamedRule = { id: 'login', to: 'login.microsoftonline.com' };
const frankfurt: WrittenHost = { ...near, region: 'eu-central-1' };
const dublin: WrittenHost = { ...near, name: 'near2', address: '127.0.0.8', region: 'eu-west-1' };
const nowhere: WrittenHost = { ...near, name: 'near3', address: '127.0.0.7' };

/** The plan of one matrix whose rules name their destinations; a rule without a name asks the role `far`. */
function planOf(
  t: TestContext,
  rules: readonly NamedRule[],
  hosts: readonly WrittenHost[],
  choice: Partial<Choice> = {},
  fields: Readonly<Record<string, unknown>> = {},
): Plan {
  const written = rules.map(({ to, ...rule }) => ({ ports: ['443/tcp'], probe: 'https', ...rule, ...(to !== undefined && { to: { name: to } }) }));
  const role = rules.some(({ to }) => to === undefined) && { to: 'far' };
  const cwd = folderWith(t, {
    'inventory.yaml': JSON.stringify({ hosts, ...fields }),
    'mine.yaml': JSON.stringify({ matrix: 'mine', from: 'near', ...role, rules: written }),
  });
  const inventory = readInventory(`${cwd}/inventory.yaml`);
  return plan([findMatrix('mine.yaml', { cwd, asPublished: false })], inventory, { ...usualChoice, ...choice });
}

function says(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && words.test(error.message);
}

describe('a destination by name', () => {
  it('is one check per rule and source, whose address is the name', (t) => {
    const checks = Array.from(plannedChecks(planOf(t, [regional, fixed], [frankfurt])), ({ check }) => check);
    assert.deepEqual(
      checks.map(({ id, destination, address }) => [id, destination, address]),
      [
        ['mine/ssm/near1->ssm.eu-central-1.amazonaws.com:443/tcp', 'ssm.eu-central-1.amazonaws.com', 'ssm.eu-central-1.amazonaws.com'],
        ['mine/login/near1->login.microsoftonline.com:443/tcp', 'login.microsoftonline.com', 'login.microsoftonline.com'],
      ],
    );
  });

  it('is what the fields of each source make of it, in lower case', (t) => {
    const hosts = [frankfurt, { ...dublin, region: 'EU-West-1' }];
    assert.deepEqual(idsOf(planOf(t, [regional, fixed], hosts)), [
      'mine/ssm/near1->ssm.eu-central-1.amazonaws.com:443/tcp',
      'mine/login/near1->login.microsoftonline.com:443/tcp',
      'mine/ssm/near2->ssm.eu-west-1.amazonaws.com:443/tcp',
      'mine/login/near2->login.microsoftonline.com:443/tcp',
    ]);
  });

  it('may hold any of the five fields, more than one of them, and one of them twice', (t) => {
    const source = { ...near, region: 'r1', site: 's1', account: '012345678901', az: 'a1', domain: 'corp.example' };
    const [id = ''] = idsOf(planOf(t, [{ id: 'all', to: '{az}-{site}.{account}.{region}.{region}.{domain}' }], [source]));
    assert.equal(id, 'mine/all/near1->a1-s1.012345678901.r1.r1.corp.example:443/tcp');
  });

  it('is left out for a source without the field, which is named; other sources ask it', (t) => {
    const made = planOf(t, [regional, fixed], [frankfurt, nowhere]);
    assert.deepEqual(idsOf(made), [
      'mine/ssm/near1->ssm.eu-central-1.amazonaws.com:443/tcp',
      'mine/login/near1->login.microsoftonline.com:443/tcp',
      'mine/ssm/near3->ssm.{region}.amazonaws.com:443/tcp field-missing',
      'mine/login/near3->login.microsoftonline.com:443/tcp',
    ]);
    const skip = Array.from(plannedChecks(made), (planned) => planned.skip).find((found) => found !== undefined);
    assert.deepEqual(skip, { code: 'field-missing', field: 'region' });
  });

  it('can be chosen, and chosen against, by its name', (t) => {
    const destinations = ['login.microsoftonline.com'];
    assert.deepEqual(idsOf(planOf(t, [regional, fixed], [frankfurt], { destinations })), ['mine/login/near1->login.microsoftonline.com:443/tcp']);
    assert.throws(() => planOf(t, [regional], [frankfurt], { destinations }), says(/--destination "login\.microsoftonline\.com" is not in the plan/));
  });

  it('stands beside the hosts of a role', (t) => {
    const made = planOf(t, [regional, { id: 'web', probe: 'tcp' }], [frankfurt, far]);
    assert.deepEqual(idsOf(made), ['mine/web/near1->far1:443/tcp', 'mine/ssm/near1->ssm.eu-central-1.amazonaws.com:443/tcp']);
    assert.deepEqual(
      made.job.hosts.map(({ name, address }) => [name, address]),
      [
        ['near1', '127.0.0.9'],
        ['far1', '127.0.0.1'],
        ['ssm.eu-central-1.amazonaws.com', 'ssm.eu-central-1.amazonaws.com'],
      ],
    );
  });

  it('is nobody that links keep apart, and of no address family', (t) => {
    const hosts = [
      { ...frankfurt, site: 'a' },
      { ...dublin, address: 'fd00::8', site: 'b' },
    ];
    const made = planOf(t, [fixed], hosts, {}, { links: [{ from: { site: 'a' }, to: { site: 'a' } }] });
    assert.deepEqual([idsOf(made).length, made.excluded], [2, []]);
  });

  it('is numbered as the agent does', (t) => {
    const made = planOf(t, [regional, fixed, { id: 'web', probe: 'tcp' }], [frankfurt, nowhere, dublin, far]);
    for (const source of made.sources) {
      const asked = Array.from(plannedChecks(made)).filter(({ check, index }) => check.source === source && index !== undefined);
      const ordered = asked.toSorted((one, two) => (one.index ?? 0) - (two.index ?? 0)).map(({ check }) => check);
      assert.deepEqual(ordered, [...expand(made.job, source)]);
      assert.deepEqual(fingerprint(ordered), fingerprint(expand(made.job, source)));
    }
  });

  it('may wait for another check of the same name', (t) => {
    const rules = [
      { ...fixed, id: 'port', probe: 'tcp' },
      { ...fixed, after: ['port'] },
    ];
    const [, second] = Array.from(plannedChecks(planOf(t, rules, [near])), ({ check }) => check);
    assert.deepEqual(second?.after, ['mine/port/near1->login.microsoftonline.com:443/tcp']);
  });

  it('is refused where fields make no name of it', (t) => {
    assert.throws(
      () => planOf(t, [regional], [{ ...near, region: 'Frankfurt am Main' }]),
      says(
        /inventory\.yaml: the fields of near1 make "ssm\.frankfurt am main\.amazonaws\.com" of "ssm\.\{region\}\.amazonaws\.com": expected a DNS name/,
      ),
    );
  });

  it('is refused where a host has that name, since checks of the two could not be told apart', (t) => {
    const twin = { ...far, name: 'Login.MicrosoftOnline.com' };
    assert.throws(() => planOf(t, [fixed], [near, twin]), says(/a host is named "login\.microsoftonline\.com", which a rule asks by that name/));
  });

  it('leaves nothing to ask where no source has the field', (t) => {
    assert.throws(() => planOf(t, [regional], [nowhere]), says(/nothing to ask: no source has the field "region"/));
  });
});

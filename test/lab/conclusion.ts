import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Conclusion, Purpose } from '../../src/preflight/conclusion.ts';
import { predictionSentence } from '../../src/reporters/preflight-wording.ts';
import { readReport } from '../../src/report-file.ts';
import { attempt } from './command.ts';
import { aheadBy, type Circumstance, type Join, type JoinTool, unfakedMonotonic } from './join.ts';
import { DOMAIN, HOSTS, type HostName, inNetns } from './topology.ts';

/** What one host does in one domain; a trust takes two. */
export const purposes = ['join-windows', 'join-linux', 'ad-connector', 'promote'] as const satisfies readonly Purpose[];

/** What a preflight must conclude. */
export interface Expected {
  readonly decision: Conclusion['decision'];
  readonly predicted?: readonly string[];
  /** `rule: checks`. */
  readonly skipped?: readonly string[];
}

/** Two DCs are ready, and nothing is worth a warning. */
export const go: Expected = { decision: 'go' };
/** GO with warnings. */
export const warned: Expected = { decision: 'go-with-warnings' };

/** NO-GO with these predictions, `step code, …`, and these skips. */
export function noGo(predicted: string, ...skipped: readonly string[]): Expected {
  return { decision: 'no-go', predicted: predicted.split(', '), skipped };
}

/** Who asks about which domain, where it is not the client as it is about its own. */
export interface Asking extends Circumstance {
  readonly from?: HostName;
  readonly domain?: string;
}

// Ample, for a machine busy with benchmarks.
const boundMs = 180_000;

/** Runs a preflight, asserts that it concludes what is expected, and returns the whole conclusion. */
export async function conclude(
  purpose: Purpose,
  words: readonly string[],
  expected: Expected,
  { aheadMs = 0, from = 'client', domain = DOMAIN }: Asking = {},
): Promise<Conclusion> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
  try {
    const command = [...inNetns(HOSTS[from].netns), ...aheadBy(aheadMs), process.execPath, 'src/bin.cjs', 'preflight'];
    const told = ['--domain', domain, '--purpose', purpose, '--out', folder, ...words];
    const { code, stdout, stderr } = await attempt([...command, ...told], { env: unfakedMonotonic, timeoutMs: boundMs });
    assert.ok(code === 0 || code === 1 || code === 3, `exit code ${code}: ${stderr}`);
    const { preflight } = readReport(join(folder, 'report.json'));
    assert.ok(preflight !== undefined, stderr);
    const skipped = preflight.skipped.map(({ because, checks, perDc }) => `${because}: ${checks}${perDc === true ? ' per DC' : ''}`);
    const predicted = preflight.predictions.map((prediction) => `${prediction.step} ${prediction.code}`);
    assert.deepEqual(
      { decision: preflight.decision, predicted, skipped, code },
      {
        decision: expected.decision,
        predicted: expected.predicted ?? [],
        skipped: expected.skipped ?? [],
        // Of a promotion and a trust only the way out was asked.
        code: expected.decision === 'no-go' ? 1 : purpose === 'promote' || purpose === 'trust' ? 3 : 0,
      },
      stdout,
    );
    assert.match(readFileSync(join(folder, 'junit.xml'), 'utf8'), /<testsuite name="preflight" tests="1"/);
    return preflight;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** GO is that the join joins, NO-GO that it does not and that adcli says what was predicted; the other way round where there is a reason. */
export function compare(tool: JoinTool, { joined, said }: Join, conclusion: Conclusion, reason?: string): void {
  const isGo = conclusion.decision !== 'no-go';
  assert.equal(joined, reason === undefined ? isGo : !isGo, `${tool} ${joined ? 'joined' : 'did not join'}, ${conclusion.decision}: ${said}`);
  if (tool === 'adcli' && !joined && reason === undefined) {
    const predicted = conclusion.predictions.map((prediction) => predictionSentence(prediction, conclusion));
    assert.ok(
      predicted.some((sentence) => isForetold(said, sentence)),
      `adcli said: ${said}\n${predicted.join('\n')}`,
    );
  }
}

/** Whether the words that the sentence quotes were said; `…` stands for any. */
function isForetold(said: string, sentence: string): boolean {
  const [, quoted] = /"(.+)"/.exec(sentence) ?? [];
  let at = 0;
  return (
    quoted?.split('…').every((part) => {
      at = said.indexOf(part, at);
      return at !== -1;
    }) ?? false
  );
}

/** Concludes the preflight of Systems Manager: from what the checks of a Region's endpoints showed to GO, NO-GO or undecided. Pure. */
import type { Outcome } from '../../agent/contract/outcome.ts';
import type { Result } from '../report.ts';
import type { Finding } from '../verdict.ts';
import type { Conclusion, EndpointConclusion, EndpointStep, Prediction } from './conclusion.ts';

/** Concludes. GO: every endpoint passes; with warnings: every required one does; NO-GO: a required one fails. */
export function concludeEndpoints(region: string, results: readonly Result[], lost?: string): Conclusion {
  const list = results.map(endpointOf);
  const decision = decide(list);
  const blocked = results.filter(({ expected }, index) => expected.requirement === 'required' && list[index]?.state !== 'ready');
  const isGo = decision === 'go' || decision === 'go-with-warnings';
  return {
    purpose: 'ssm',
    decision,
    ...(lost !== undefined && { lost }),
    resolvers: [],
    endpoints: {
      region,
      proxies: [...new Set(results.flatMap(({ outcome }) => factsOf(outcome).proxy ?? []))],
      isDirect: results.some(({ outcome }) => outcome?.kind === 'observed' && factsOf(outcome).proxy === undefined),
      list,
    },
    dcs: [],
    far: [],
    findings: [],
    warnings: [],
    predictions: isGo ? [] : predictionsOf(blocked),
    skipped: [],
  };
}

function endpointOf({ check, expected, verdict: { status, finding } }: Result): EndpointConclusion {
  const isRequired = expected.requirement === 'required';
  const isReady = status === 'pass' || (status === 'warn' && isRequired);
  const isDecided = status === 'fail' || status === 'warn';
  return {
    name: check.destination,
    rule: check.rule,
    isRequired,
    state: isReady ? 'ready' : isDecided ? 'not-ready' : 'undecided',
    ...(finding !== undefined && { finding: finding.code }),
  };
}

function decide(list: readonly EndpointConclusion[]): Conclusion['decision'] {
  const required = list.filter(({ isRequired }) => isRequired);
  if (required.some(({ state }) => state === 'not-ready')) return 'no-go';
  if (required.length === 0 || required.some(({ state }) => state === 'undecided')) return 'undecided';
  return list.every(({ state, finding }) => state === 'ready' && finding === undefined) ? 'go' : 'go-with-warnings';
}

/** What the SSM Agent would likely write into its log, each once. What could not be asked predicts nothing. */
function predictionsOf(blocked: readonly Result[]): readonly Prediction[] {
  const found = blocked.flatMap(({ verdict: { finding } }) => (finding === undefined ? [] : (stepOf(finding) ?? [])));
  return [...new Set(found)].map((step) => ({ step, code: 'ssm-agent' }));
}

/** The step at which the agent's request would end. */
function stepOf(finding: Finding): EndpointStep | undefined {
  switch (finding.code) {
    case 'name-unknown':
      return finding.proxy === undefined ? 'name' : 'proxy';
    case 'name-unsettled':
      return finding.proxy === undefined ? 'name-silence' : 'proxy';
    case 'no-answer':
      return 'connect';
    case 'refused':
      return 'connect-refused';
    case 'rejected':
      return 'unreachable';
    case 'certificate-untrusted':
      return 'authority';
    case 'certificate-name':
      return 'certificate-name';
    case 'certificate-expired':
    case 'certificate-not-yet-valid':
      return 'certificate-time';
    case 'unproven':
    case 'service-silent':
    case 'wrong-service':
      return 'tls';
    case 'proxy-unreachable':
    case 'proxy-silent':
      return 'proxy';
    case 'proxy-refused':
      return 'proxy-refused';
    default:
      return undefined;
  }
}

function factsOf(outcome: Outcome | undefined): { readonly proxy?: string } {
  return (outcome?.kind === 'observed' ? outcome.service?.facts : undefined) ?? {};
}

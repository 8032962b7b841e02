/** Whether the agent runs a step, skips it or fails it (its runpluginutil.getStepExecutionOperation). */
import { bracedNames, type Content, type Step } from './document-content.ts';
import { type ManagedNode, setsVariables } from './managed-node.ts';
import { substitute, type Values } from './parameters.ts';

/** What became of a step. */
export interface StepResult {
  readonly step: Step;
  readonly status: 'Pending' | 'InProgress' | 'Success' | 'TimedOut' | 'Cancelled' | 'Failed';
  /** The exit code; -1 before the step has ended. */
  readonly code: number;
  /** What the agent sent of both streams. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** What ListCommandInvocations shows of a step that printed nothing itself: why it was skipped. */
  readonly remark?: string;
  readonly isSkipped?: boolean;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
}

/** What the agent does with a step. */
export type Operation = { readonly kind: 'execute' } | { readonly kind: 'skip' | 'fail'; readonly why: string };

/** Exit codes with which a step ends the document: 168 as a success, 169 as a failure. */
export const exitCodes = { success: 168, failure: 169 } as const;

/** What the agent does with the step that comes after these results. */
export function operationOf(node: ManagedNode, { steps }: Content, results: readonly StepResult[], values: Values): Operation {
  const step = steps[results.length];
  if (step === undefined) throw new Error('there is no further step');
  const { action, name, precondition } = step;
  const isLast = results.length === steps.length - 1;
  if (!(isLast && isTrue(step.inputs['finallyStep'])) && results.some(endsDocument)) {
    return { kind: 'skip', why: `Plugin with name ${action} and id ${name} skipped due to prior step with an exit condition` };
  }
  const trouble = precondition === undefined ? undefined : preconditionTrouble(node, precondition, values);
  if (action === 'aws:runShellScript' && node.platform === 'Windows') {
    return { kind: 'skip', why: `Step execution skipped due to unsupported plugin: ${action}. Step name: ${name}` };
  }
  if (trouble === undefined) return { kind: 'execute' };
  if (trouble.isUnsatisfied) {
    return { kind: 'skip', why: `Step execution skipped due to unsatisfied preconditions: '${trouble.said}'. Step name: ${name}` };
  }
  return { kind: 'fail', why: `Unrecognized precondition(s): '${trouble.said}', please update agent to latest version. Step name: ${name}` };
}

/** What the agent puts into the inputs of a step: all parameters, but those that it hands over as variables. */
export function inputValues(node: ManagedNode, { parameters }: Content, values: Values): Values {
  if (!setsVariables(node) || node.braces === 'replaced') return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => parameters[name]?.interpolationType !== 'ENV_VAR'));
}

/** The variables that the agent sets for parameters. */
export function variablesOf(node: ManagedNode, { parameters }: Content, values: Values): Record<string, string> {
  if (!setsVariables(node)) return {};
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      parameters[name]?.interpolationType === 'ENV_VAR' && typeof value === 'string' ? [[`SSM_${name}`, value]] : [],
    ),
  );
}

function endsDocument({ step: { inputs }, status, code }: StepResult): boolean {
  if (code === exitCodes.success || code === exitCodes.failure) return true;
  return (status === 'Failed' && inputs['onFailure'] === 'exit') || (status === 'Success' && inputs['onSuccess'] === 'exit');
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

function preconditionTrouble(
  { platform }: ManagedNode,
  [first, second]: readonly [string, string],
  values: Values,
): { readonly said: string; readonly isUnsatisfied: boolean } | undefined {
  const said = `"StringEquals": [${first}, ${second}]`;
  if (first === 'platformType' || second === 'platformType') {
    const wanted = first === 'platformType' ? second : first;
    if (bracedNames(wanted).length > 0) {
      return { said: `"StringEquals": the second argument for the platformType variable can't contain document parameters`, isUnsatisfied: false };
    }
    return wanted.toLowerCase() === platform.toLowerCase() ? undefined : { said, isUnsatisfied: true };
  }
  return String(substitute(first, values)) === String(substitute(second, values)) ? undefined : { said, isUnsatisfied: true };
}

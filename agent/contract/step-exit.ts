/** How a step of the document ends, by its exit code: the scripts give these codes and no others, and the controller reads them. */

/** What an exit code stands for. */
export interface StepExit {
  readonly name: string;
  /** What happened, for people. */
  readonly sentence: string;
}

/** Every exit code of a run step. Codes that Systems Manager gives a meaning of its own (168, 169, 194, 3010, 137) are not among them. */
export const stepExits = {
  0: { name: 'ran', sentence: 'the agent ran, and said all that it had to say' },
  10: { name: 'runtime-missing', sentence: 'the runtime and the agent are not on this host yet, and this command was not to fetch them' },
  11: { name: 'runtime-hash', sentence: 'the runtime on this host is not the published one' },
  12: { name: 'bundle-hash', sentence: 'the agent on this host is not the published one' },
  13: { name: 'fetch-failed', sentence: 'the package could not be fetched, or what came is not the published one' },
  14: { name: 'no-space', sentence: 'the disk of this host has no room for the package or for the results' },
  15: { name: 'unsupported-os', sentence: 'the agent does not run on this operating system' },
  16: { name: 'execution-policy', sentence: 'the execution policy of PowerShell forbids the script' },
  17: { name: 'language-mode', sentence: 'the language mode of PowerShell forbids what the script needs' },
  18: { name: 'application-control', sentence: 'application control on this host does not let the runtime start' },
  19: { name: 'agent-ended-badly', sentence: 'the agent ended by itself, before it was done' },
  20: { name: 'bad-input', sentence: 'the job, the policy or the name of this node is not what the agent can work with' },
  21: { name: 'agent-bug', sentence: 'the agent met a case that it was not made for, and ended' },
  22: { name: 'runtime-old', sentence: 'the installed runtime is too old' },
} as const satisfies Readonly<Record<number, StepExit>>;

/** What that exit code stands for; undefined for one that no step gives. */
export function stepExit(code: number): StepExit | undefined {
  const table: Readonly<Record<number, StepExit>> = stepExits;
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

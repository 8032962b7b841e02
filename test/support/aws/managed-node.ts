/** The nodes of a test, and what can be wrong with them. */

/** A script that a node runs: its text after substitution, and all that the agent of Systems Manager gives it. */
export interface Script {
  readonly instance: string;
  readonly step: string;
  readonly action: 'aws:runShellScript' | 'aws:runPowerShellScript';
  readonly text: string;
  /** Variables that the agent sets, beside those of the node. */
  readonly environment: Readonly<Record<string, string>>;
  /** The step's folder under the orchestration folder; what aws:downloadContent brought lies in `downloads`. */
  readonly folder: string;
  readonly downloads: string;
  /** Aborted at the step's timeout, by CancelCommand, and when the endpoint closes. */
  readonly signal: AbortSignal;
}

/** What a script left: its exit code and all that it wrote. */
export interface ScriptEnd {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a script in place of the endpoint's own processes: PowerShell, which is not here, or a simulated node. */
export type ScriptRunner = (script: Script) => Promise<ScriptEnd>;

/** What happens to every command of a node. */
export type NodeFault =
  /** The agent does not call home: ConnectionLost, and nothing is delivered before TimeoutSeconds are over. */
  | { readonly kind: 'offline' }
  /** Delivery is tried, and tried again: Delayed for so long. */
  | { readonly kind: 'delayed'; readonly delayMs: number }
  | { readonly kind: 'undeliverable' }
  | { readonly kind: 'access-denied' }
  | { readonly kind: 'invalid-platform' }
  /** Terminated after it was listed: SendCommand refuses every call that names it. */
  | { readonly kind: 'vanished' }
  /** The agent ends the first script that runs, as at its timeout: when it wrote so many bytes, or after so long. */
  | { readonly kind: 'execution-timeout'; readonly afterBytes?: number; readonly afterMs?: number }
  /** The node is gone in the middle of its first script, when that wrote so many bytes: nothing is reported any more. */
  | { readonly kind: 'lost-mid-run'; readonly afterBytes: number }
  /** Output is cut to so many bytes, as Systems Manager does at 24,000. */
  | { readonly kind: 'truncated-output'; readonly bytes: number }
  /** Success, but so many reads of the output come back empty. */
  | { readonly kind: 'empty-output'; readonly reads: number }
  /** Objects of this node's output never arrive in S3, without an error. */
  | { readonly kind: 'output-not-stored' }
  /** The node's role may not read from S3. */
  | { readonly kind: 'download-denied' };

/** A managed node of Systems Manager. */
export interface ManagedNode {
  /** i- or mi- and 17 hexadecimal digits. */
  readonly instance: string;
  readonly platform: 'Linux' | 'Windows' | 'MacOS';
  readonly ping?: 'Online' | 'ConnectionLost' | 'Inactive';
  readonly agentVersion?: string;
  readonly account?: string;
  readonly region?: string;
  /** What its processes are started with, such as ['ip', 'netns', 'exec', 'pm-dc1']. */
  readonly prefix?: readonly string[];
  /** Variables of its agent's process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly ipAddress?: string;
  readonly computerName?: string;
  readonly platformName?: string;
  readonly platformVersion?: string;
  readonly fault?: NodeFault;
  /** Runs its scripts instead of a process. A Windows node without it fails its scripts: there is no PowerShell. */
  readonly runner?: ScriptRunner;
  /** What a new agent does with {{ x }} of an ENV_VAR parameter; not published, so that a document must live with both. Default: left. */
  readonly braces?: 'left' | 'replaced';
}

/** From this version on the agent sets SSM_<name> for a parameter of the interpolation type ENV_VAR. */
const environmentSince = [3, 3, 2746, 0];

/** A version of the agent that most nodes have. */
export const currentAgentVersion = '3.3.3572.0';

/** Whether a node's agent hands ENV_VAR parameters over as variables. */
export function setsVariables(node: ManagedNode): boolean {
  const version = (node.agentVersion ?? currentAgentVersion).split('.').map(Number);
  const [part = 0, since = 0] = version.map((value, index) => [value, environmentSince[index] ?? 0]).find(([value, least]) => value !== least) ?? [];
  return part >= since;
}

/** What Systems Manager says of the node's agent. */
export function pingOf(node: ManagedNode): 'Online' | 'ConnectionLost' | 'Inactive' {
  return node.ping ?? (node.fault?.kind === 'offline' ? 'ConnectionLost' : 'Online');
}

/** The agent as one script: what `exec` pipes into Node on a host. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../agent/contract/job.ts';
import type { LocateJob } from '../agent/contract/locate.ts';
import { packageRoot } from './package-root.ts';

/** Name under which the script defines the agent's functions. */
const globalName = 'portmatrixAgent';

/** Oldest Node.js on which the agent runs. */
const oldestNode = 20;

/** What Node is called with, the script on its stdin. A young generation kept small holds 16,384 waiting checks in 187 MB instead of 229. */
export const nodeArguments: readonly string[] = ['--max-semi-space-size=8', '-'];

/** The agents: the usual one, one that can ask for Kerberos tickets, and one that runs by itself in a step of a Systems Manager document. Under `agent/` their sources, under `dist/` their scripts. */
export const agents = {
  usual: { sources: 'main.ts', script: 'agent.cjs' },
  kerberos: { sources: 'kerberos-main.ts', script: 'kerberos-agent.cjs' },
  ssm: { sources: 'ssm-main.ts', script: 'ssm-agent.cjs' },
} as const;

/** An agent's script: the built one of an installed package, or, in a checkout, one made from the sources. */
export async function agentScript(agent: keyof typeof agents = 'usual'): Promise<string> {
  const { sources, script } = agents[agent];
  const path = join(packageRoot, 'agent', sources);
  if (!existsSync(path)) return readFileSync(join(packageRoot, 'dist', script), 'utf8');
  return bundleAgent(path);
}

/** Bundles and minifies the agent's sources; the same sources give the same bytes. */
export async function bundleAgent(sources: string): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [sources],
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'iife',
    globalName,
    target: `node${oldestNode}`,
    legalComments: 'none',
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('the bundler made no file');
  return file.text;
}

/** The script that runs the part of a job that belongs to `source`: a guard against an old Node in plain old JavaScript, the agent, and the job as a literal. */
export function scriptFor(agent: string, job: Job | LocateJob, source: string): string {
  const guard = `if(parseInt(process.versions.node,10)<${oldestNode}){process.stderr.write("the agent needs Node.js ${oldestNode} or newer, and this is "+process.version+"\\n");process.exitCode=1}else{`;
  // A banner or a prompt before us may have left its line open.
  return `${guard}process.stdout.write("\\n");${agent}\n${globalName}.main(${literal(job)},${literal(source)})}\n`;
}

/** JSON that is JavaScript too, in whatever encoding it is read. */
function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

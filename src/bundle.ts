/** The agent as one script: what `exec` pipes into Node on a host. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../agent/contract/job.ts';
import { packageRoot } from './package-root.ts';

/** Name under which the script defines the agent's functions. */
const globalName = 'portmatrixAgent';

/** Oldest Node.js on which the agent runs. */
const oldestNode = 20;

/** The agent's script: the built one of an installed package, or, in a checkout, one made from the sources. */
export async function agentScript(): Promise<string> {
  const sources = join(packageRoot, 'agent', 'main.ts');
  if (!existsSync(sources)) return readFileSync(join(packageRoot, 'dist', 'agent.cjs'), 'utf8');
  return bundleAgent(sources);
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
export function scriptFor(agent: string, job: Job, source: string): string {
  const guard = `if(parseInt(process.versions.node,10)<${oldestNode}){process.stderr.write("the agent needs Node.js ${oldestNode} or newer, and this is "+process.version+"\\n");process.exitCode=1}else{`;
  return `${guard}${agent}\n${globalName}.main(${literal(job)},${literal(source)})}\n`;
}

/** JSON that is JavaScript too, in whatever encoding it is read. */
function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

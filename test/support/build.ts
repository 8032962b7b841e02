/** Fills `dist/` for an installed package, where Node.js strips no types: the emitted controller, and the agent as the one script that is piped into hosts. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agents, bundleAgent } from '../../src/bundle.ts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
if (status !== 0) process.exitCode = 1;
else for (const { sources, script } of Object.values(agents)) writeFileSync(join(dist, script), await bundleAgent(join(root, 'agent', sources)));

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run as runCommand, attempt } from '../lab/command.ts';
import { planFrom, type PlanOptions } from '../../src/commands/options.ts';
import type { Plan } from '../../src/plan.ts';
import { readReport } from '../../src/report-file.ts';
import type { Report } from '../../src/report.ts';

/** A host as an inventory file writes it; JSON is YAML. */
export interface WrittenHost {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
  readonly os?: string;
  readonly node?: string;
  readonly connector?: { readonly exec: readonly string[] };
}

/** A rule of its own: ports or ranges, and the probe. */
export interface Asked {
  readonly ports: readonly string[];
  readonly probe: 'tcp' | 'smb';
}

/** What one run of the whole program took and said. */
export interface WholeRun {
  readonly wallMs: number;
  readonly report: Report;
}

const program = join(import.meta.dirname, '..', '..', 'src', 'bin.cjs');
const boundMs = 300_000;

/** A folder with an inventory and perhaps a matrix, and ways to plan and to run from it. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'portmatrix-bench-'));
  readonly #inventory = join(this.folder, 'inventory.yaml');
  readonly #matrix: string;

  /** `matrix`: the name of a published one, or what to ask of TCP ports. */
  constructor(inventory: { readonly domain?: string; readonly hosts: readonly WrittenHost[] }, matrix: string | Asked) {
    writeFileSync(this.#inventory, JSON.stringify(inventory));
    this.#matrix = typeof matrix === 'string' ? matrix : join(this.folder, 'asked.yaml');
    if (typeof matrix === 'string') return;
    const rule = { id: 'asked', ports: matrix.ports.map((port) => `${port}/tcp`), probe: matrix.probe };
    writeFileSync(this.#matrix, JSON.stringify({ matrix: 'asked', from: 'client', to: 'dc', rules: [rule] }));
  }

  /** Without the control: the ports that other tools are given, and no more. */
  plan(pace: PlanOptions['pace'], timeoutMs = 5_000): Plan {
    return planFrom(
      { inventory: this.#inventory, matrix: [this.#matrix], asPublished: false, kerberos: false, withoutControl: true, pace, timeoutMs },
      this.folder,
    ).plan;
  }

  /** Runs `portmatrix run` as a user would, start-up, report and all. */
  async run(options: readonly string[] = []): Promise<WholeRun> {
    const out = join(this.folder, 'out');
    const startedAt = performance.now();
    const { code, stderr } = await attempt([process.execPath, program, 'run', '-i', this.#inventory, '-m', this.#matrix, '--out', out, ...options], {
      timeoutMs: boundMs,
    });
    const wallMs = performance.now() - startedAt;
    if (code !== 0 && code !== 1 && code !== 3) throw new Error(`portmatrix ended with ${code}: ${stderr}`);
    return { wallMs, report: readReport(join(out, 'report.json')) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Wall time of a command that ends well, in milliseconds. */
export async function timeCommand(argv: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await runCommand(argv, { timeoutMs: boundMs });
  return performance.now() - startedAt;
}

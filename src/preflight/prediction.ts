/** What a real join, or whatever the purpose is, would likely say. Pure. */
import type { DcConclusion, Prediction, DomainPurpose, Step } from './conclusion.ts';
import type { Resolution } from './resolution.ts';

/** Windows errors by the step that ends with them ("AD domain join troubleshooting guidance"). */
const windows: Readonly<Partial<Record<Step, string>>> = {
  dns: '0x54B',
  srv: '0x232B',
  address: '0xA8B',
  locator: '0x54B',
  ldap: '0x3A',
  smb: '0x35',
  kerberos: '0x40',
  clock: '0x576',
  'endpoint-mapper': '0x6BA',
  rpc: '0x6D9',
  'rpc-reset': '0x6BF',
};

/** The errors that a join would likely end with: of the resolvers if it gets no further, else of the DCs that the locator would pick. */
export function predict(purpose: DomainPurpose, { stop }: Pick<Resolution, 'stop'>, dcs: readonly DcConclusion[]): readonly Prediction[] {
  if (stop !== undefined) return stop === 'unknown' ? [] : predictionOf(purpose, stop);
  const candidates = dcs.filter(({ readOnly }) => !readOnly);
  const picked = candidates.filter(({ failed }) => failed.every(({ step }) => step !== 'locator'));
  const wanted = (picked.length > 0 ? picked : candidates).flatMap(({ failed, undecided }) => {
    // The names were found all the same, so a DC's own DNS is what a join stumbles over last.
    const obstacles = [...failed, ...undecided];
    const first = obstacles.find(({ step }) => step !== 'dns') ?? obstacles[0];
    return first === undefined ? [] : [first.step];
  });
  return [...new Set(wanted)].flatMap((step) => predictionOf(purpose, step));
}

function predictionOf(purpose: DomainPurpose, step: Step): readonly Prediction[] {
  switch (purpose) {
    case 'join-linux':
      return [{ step, code: 'adcli' }];
    case 'ad-connector':
      return [{ step, code: 'ad-connector' }];
    // Whoever makes a trust is told no more than that the other domain cannot be contacted.
    case 'trust': {
      const code = step === 'srv' || step === 'address' ? windows.dns : windows[step];
      return code === undefined ? [] : [{ step, code }];
    }
    case 'join-windows':
    case 'promote': {
      const code = windows[step];
      return code === undefined ? [] : [{ step, code }];
    }
    default:
      return purpose satisfies never;
  }
}

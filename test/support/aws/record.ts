/** The record of all calls, for tests to count. */

/** One call of an API, or of the agent on a node where `instance` says so. */
export interface Call {
  readonly service: 'ssm' | 's3' | 'sts';
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number;
  readonly instance?: string;
  /** The name of the error that it was answered with. */
  error?: string;
}

/** Calls in the order of their arrival. */
export interface CallRecord {
  readonly calls: readonly Call[];
  readonly add: (call: Omit<Call, 'at'>) => Call;
}

/** An empty record. */
export function startRecord(): CallRecord {
  const calls: Call[] = [];
  return {
    calls,
    add: (call) => {
      const noted = { ...call, at: Date.now() };
      calls.push(noted);
      return noted;
    },
  };
}

/** Errors that a test puts into calls. */
import { Refusal } from './refusal.ts';

/** So many calls of an operation are answered with an error. */
export interface CallFault {
  readonly operation: string;
  /** Such as ThrottlingException, AccessDeniedException, InternalServerError; for S3 also NoSuchKey, SlowDown, AccessDenied. */
  readonly error: string;
  readonly message?: string;
  /** How many calls, counted from the first that fits; all of them when it is left out. */
  readonly times?: number;
  readonly account?: string;
  readonly region?: string;
  /** For S3: only keys that contain this text. */
  readonly key?: string;
}

/** Where a call is looked up among the faults. */
interface Place {
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly key?: string;
}

/** The faults that are still to come. */
export interface CallFaults {
  readonly add: (fault: CallFault) => void;
  /** Throws what a call is to be answered with, and counts it. */
  readonly strike: (place: Place) => void;
}

const statuses: Readonly<Record<string, number>> = { NoSuchKey: 404, NoSuchBucket: 404, AccessDenied: 403, SlowDown: 503, InternalError: 500 };
const words: Readonly<Record<string, string>> = {
  ThrottlingException: 'Rate exceeded',
  AccessDeniedException: 'User is not authorized to perform this operation',
  NoSuchKey: 'The specified key does not exist.',
  AccessDenied: 'Access Denied',
  SlowDown: 'Please reduce your request rate.',
};

/** Starts with these faults. */
export function startFaults(initial: readonly CallFault[]): CallFaults {
  const open = initial.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
  return {
    add: (fault) => void open.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    strike: (place) => {
      const found = open.find(({ fault, left }) => left > 0 && fits(fault, place));
      if (found === undefined) return;
      found.left -= 1;
      const { error, message } = found.fault;
      throw new Refusal(error, message ?? words[error] ?? error, statuses[error]);
    },
  };
}

function fits(fault: CallFault, place: Place): boolean {
  if (fault.operation !== place.operation || (fault.key !== undefined && place.key?.includes(fault.key) !== true)) return false;
  return (fault.account ?? place.account) === place.account && (fault.region ?? place.region) === place.region;
}

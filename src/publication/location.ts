/** Where packages are, as options say it. Pure. */
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';

/** The folder with its slash; empty for none. */
export function folderOf(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** Throws a `UsageError` for what no bucket is called. */
export function expectBucket(bucket: string): void {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new UsageError(`--bucket ${quote(bucket)} is no name of a bucket: expected one like corp-portmatrix`);
}

/** Throws a `UsageError` for a prefix that is no folder of a bucket; none is one. */
export function expectFolder(prefix: string): void {
  if (!/^((?!\.|[^/]*\.\.)[A-Za-z0-9._-]+\/)*$/.test(folderOf(prefix)))
    throw new UsageError(`--prefix ${quote(prefix)} is no folder of a bucket: expected one like packages/`);
}

/** Throws a `UsageError` for what no Region is called. */
export function expectRegion(region: string): void {
  if (!/^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}$/.test(region))
    throw new UsageError(`--region ${quote(region)} is not an AWS Region: expected one like eu-central-1`);
}

/** Old versions of a document. Each can be sent for as long as it is there, whatever the default version is: a policy that was narrowed binds only once they are gone. */
import { refusalOf, type SSM } from '../aws.ts';

/** What became of the other versions. */
export interface Retirement {
  readonly gone: readonly string[];
  /** Versions that are still there, each with what AWS says. */
  readonly stay: readonly { readonly version: string; readonly why: string }[];
}

/** The versions of a document beside this one, the oldest first; none where there is no such document. */
export async function otherVersions(ssm: SSM, name: string, version?: string): Promise<readonly string[]> {
  const found: string[] = [];
  let next: string | undefined;
  try {
    do {
      const page = await ssm.listDocumentVersions({ Name: name, MaxResults: 50, ...(next !== undefined && { NextToken: next }) });
      found.push(...(page.DocumentVersions ?? []).flatMap(({ DocumentVersion: number }) => number ?? []));
      next = page.NextToken === '' ? undefined : page.NextToken;
    } while (next !== undefined);
  } catch (error) {
    if (refusalOf(error).name === 'InvalidDocument') return [];
    throw error;
  }
  return found.filter((number) => number !== version).toSorted((one, other) => Number(one) - Number(other));
}

/** Deletes every version but this one, which must be the default. One that AWS refuses to delete keeps none of the others. */
export async function retireOthers(ssm: SSM, name: string, version: string): Promise<Retirement> {
  const gone: string[] = [];
  const stay: Retirement['stay'][number][] = [];
  for (const other of await otherVersions(ssm, name, version)) {
    // Without a version the call would delete the whole document.
    if (!/^[1-9][0-9]*$/.test(other)) throw new Error(`${name} has a version without a number: ${other}`);
    try {
      await ssm.deleteDocument({ Name: name, DocumentVersion: other });
      gone.push(other);
    } catch (error) {
      const { name: code, message } = refusalOf(error);
      // Somebody else was faster.
      if (code === 'InvalidDocumentVersion') gone.push(other);
      else stay.push({ version: other, why: `${code}: ${message}` });
    }
  }
  return { gone, stay };
}

/** Packages in a bucket. A package's key holds its hash, so that one that is there is right or wrong, and never replaced. */
import { createHash } from 'node:crypto';
import { refusalOf, type S3 } from '../aws.ts';

/** One package and where it belongs. `sha256`: of the content, in lower-case hex. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly content: Uint8Array;
  readonly sha256: string;
}

/** `uploaded`: it is there now; `there`: it was; `missing`: it is not, and nothing was done; `foreign`: something else has its key. */
export type Shelf = 'uploaded' | 'there' | 'missing' | 'foreign';

/** Looks whether the package is there and right. Whoever may not list a bucket is told "forbidden" of what is missing, so that this counts as missing. */
export async function findPackage(s3: S3, { bucket, key, sha256 }: Upload): Promise<Exclude<Shelf, 'uploaded'>> {
  let checksum: string | undefined;
  try {
    ({ ChecksumSHA256: checksum } = await s3.headObject({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }));
  } catch (error) {
    const { status } = refusalOf(error);
    if (status === 404 || status === 403) return 'missing';
    throw error;
  }
  if (checksum === base64Of(sha256)) return 'there';
  // S3 knows no such checksum of an object that was uploaded another way: then the bytes are looked at.
  return (await digestOf(s3, bucket, key)) === sha256 ? 'there' : 'foreign';
}

/** Uploads the package unless it is there. S3 itself refuses bytes that have another hash, and a key that somebody else was faster to take. */
export async function uploadPackage(s3: S3, upload: Upload): Promise<Exclude<Shelf, 'missing'>> {
  const found = await findPackage(s3, upload);
  if (found !== 'missing') return found;
  const { bucket, key, content, sha256 } = upload;
  try {
    await s3.putObject({
      Bucket: bucket,
      Key: key,
      Body: content,
      ContentType: 'application/octet-stream',
      ChecksumSHA256: base64Of(sha256),
      IfNoneMatch: '*',
    });
    return 'uploaded';
  } catch (error) {
    if (refusalOf(error).status !== 412) throw error;
    return (await digestOf(s3, bucket, key)) === sha256 ? 'there' : 'foreign';
  }
}

/** The Region that a bucket is in. */
export async function regionOfBucket(s3: S3, bucket: string): Promise<string | undefined> {
  const { BucketRegion: region } = await s3.headBucket({ Bucket: bucket });
  return region === '' ? undefined : region;
}

async function digestOf(s3: S3, bucket: string, key: string): Promise<string> {
  const { Body: body } = await s3.getObject({ Bucket: bucket, Key: key });
  const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
  return createHash('sha256').update(bytes).digest('hex');
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

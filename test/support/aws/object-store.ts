/** Buckets and their objects, in memory. */
import { createHash } from 'node:crypto';
import { Refusal } from './refusal.ts';

/** An object of a bucket. */
export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly contentType?: string;
  /** Headers x-amz-meta-…, by what comes after. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** All buckets of an endpoint: their names are known to every account, as in S3. */
export interface ObjectStore {
  readonly hasBucket: (bucket: string) => boolean;
  readonly createBucket: (bucket: string) => void;
  readonly put: (bucket: string, key: string, body: Buffer, about?: Pick<StoredObject, 'contentType' | 'metadata'>) => StoredObject;
  /** Throws NoSuchBucket or NoSuchKey. */
  readonly get: (bucket: string, key: string) => StoredObject;
  readonly has: (bucket: string, key: string) => boolean;
  readonly remove: (bucket: string, key: string) => void;
  /** The keys that start with a text, in the order of their bytes. */
  readonly list: (bucket: string, prefix: string) => (readonly [string, StoredObject])[];
}

/** Starts with these buckets, empty. */
export function startStore(initial: readonly string[]): ObjectStore {
  const buckets = new Map<string, Map<string, StoredObject>>(initial.map((bucket) => [bucket, new Map()]));
  const objectsOf = (bucket: string): Map<string, StoredObject> => {
    const objects = buckets.get(bucket);
    if (objects === undefined) throw new Refusal('NoSuchBucket', 'The specified bucket does not exist', 404);
    return objects;
  };
  return {
    hasBucket: (bucket) => buckets.has(bucket),
    createBucket: (bucket) => {
      if (buckets.has(bucket)) throw new Refusal('BucketAlreadyOwnedByYou', 'The bucket that you tried to create already exists', 409);
      buckets.set(bucket, new Map());
    },
    put: (bucket, key, body, about = { metadata: {} }) => {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      const object = { body, etag, modifiedAt: new Date(), ...about };
      objectsOf(bucket).set(key, object);
      return object;
    },
    get: (bucket, key) => {
      const object = objectsOf(bucket).get(key);
      if (object === undefined) throw new Refusal('NoSuchKey', 'The specified key does not exist.', 404);
      return object;
    },
    has: (bucket, key) => objectsOf(bucket).has(key),
    remove: (bucket, key) => void objectsOf(bucket).delete(key),
    list: (bucket, prefix) =>
      [...objectsOf(bucket)].filter(([key]) => key.startsWith(prefix)).sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
  };
}

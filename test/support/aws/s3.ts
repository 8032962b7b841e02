/** S3, as far as a package and its output need it: REST, answers in XML. */
import type { Incoming, Outgoing } from './incoming.ts';
import { writeMarkup } from './markup.ts';
import { readUpload } from './upload.ts';
import { Refusal } from './refusal.ts';
import type { StoredObject } from './object-store.ts';
import type { World } from './world.ts';

/** What a request is about. */
interface Subject {
  readonly bucket: string;
  readonly key: string;
}

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const longestPage = 1_000;

/** Answers a request whose bucket is in the host name before `host`, or else in the path. */
export function answerS3(world: World, host: string, incoming: Incoming): Outgoing {
  const subject = subjectOf(incoming, host);
  const operation = operationOf(incoming, subject);
  const { account = '', region = '' } = incoming.caller ?? {};
  const input = { Bucket: subject.bucket, ...(subject.key === '' ? {} : { Key: subject.key }) };
  const call = world.record.add({ service: 's3', operation, account, region, input });
  try {
    expectSignature(incoming);
    world.faults.strike({ operation, account, region, key: subject.key });
    return answer(world, operation, subject, incoming);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    call.error = error.type;
    const body = writeMarkup({ Error: { Code: error.type, Message: error.message, ...input } });
    return { status: error.status, headers: { 'content-type': 'application/xml' }, body: incoming.method === 'HEAD' ? '' : body };
  }
}

function subjectOf({ url }: Incoming, host: string): Subject {
  const path = decodeURIComponent(url.pathname).slice(1);
  if (url.hostname !== host && url.hostname.endsWith(`.${host}`)) return { bucket: url.hostname.slice(0, -host.length - 1), key: path };
  const slash = path.indexOf('/');
  return slash === -1 ? { bucket: path, key: '' } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function operationOf({ method }: Incoming, { key }: Subject): string {
  const names: Readonly<Record<string, readonly [string, string]>> = {
    GET: ['ListObjectsV2', 'GetObject'],
    HEAD: ['HeadBucket', 'HeadObject'],
    PUT: ['CreateBucket', 'PutObject'],
    DELETE: ['DeleteBucket', 'DeleteObject'],
  };
  return names[method]?.[key === '' ? 0 : 1] ?? method;
}

/** A header or a presigned URL that has not expired; nothing of the signature itself is checked. */
function expectSignature({ headers, url }: Incoming): void {
  const query = url.searchParams;
  if (query.has('X-Amz-Signature')) {
    const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date') ?? '') ?? [];
    const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    const endsAt = signedAt + Number(query.get('X-Amz-Expires')) * 1_000;
    if (!(endsAt > Date.now())) throw new Refusal('AccessDenied', 'Request has expired', 403);
    return;
  }
  if (!/^AWS4-HMAC-SHA256 .*Signature=[0-9a-f]{64}/.test(headers['authorization'] ?? '')) {
    throw new Refusal('AccessDenied', 'Access Denied', 403);
  }
}

function answer({ store }: World, operation: string, { bucket, key }: Subject, incoming: Incoming): Outgoing {
  switch (operation) {
    case 'CreateBucket':
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new Refusal('InvalidBucketName', 'The specified bucket is not valid.');
      store.createBucket(bucket);
      return { status: 200, headers: { location: `/${bucket}` }, body: '' };
    case 'HeadBucket':
      if (!store.hasBucket(bucket)) throw new Refusal('NoSuchBucket', 'The specified bucket does not exist', 404);
      return { status: 200, headers: { 'x-amz-bucket-region': incoming.caller?.region ?? '' }, body: '' };
    case 'ListObjectsV2':
      return list(store.list(bucket, incoming.url.searchParams.get('prefix') ?? ''), bucket, incoming.url.searchParams);
    case 'PutObject': {
      if (incoming.headers['if-none-match'] === '*' && store.has(bucket, key)) {
        throw new Refusal('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
      }
      const contentType = incoming.headers['content-type'];
      const metadata = metadataOf(incoming.headers);
      const object = store.put(bucket, key, readUpload(incoming), { metadata, ...(contentType === undefined ? {} : { contentType }) });
      return { status: 200, headers: { etag: object.etag }, body: '' };
    }
    case 'GetObject':
    case 'HeadObject':
      return objectAnswer(store.get(bucket, key), incoming);
    case 'DeleteObject':
      store.remove(bucket, key);
      return { status: 204, headers: {}, body: '' };
    default:
      throw new Refusal('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405);
  }
}

function objectAnswer(object: StoredObject, { headers, method }: Incoming): Outgoing {
  const described = {
    etag: object.etag,
    'last-modified': object.modifiedAt.toUTCString(),
    'content-type': object.contentType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers['range'] ?? '');
  const size = object.body.length;
  const start = Number(range?.[1] ?? 0);
  if (range !== null && start >= size) throw new Refusal('InvalidRange', 'The requested range is not satisfiable', 416);
  const end = Math.min(size, range?.[2] === undefined || range[2] === '' ? size : Number(range[2]) + 1);
  const part = object.body.subarray(start, end);
  return {
    status: range === null ? 200 : 206,
    headers: {
      ...described,
      'content-length': `${part.length}`,
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    },
    body: method === 'HEAD' ? '' : part,
  };
}

function list(objects: readonly (readonly [string, StoredObject])[], bucket: string, query: URLSearchParams): Outgoing {
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString() || (query.get('start-after') ?? '');
  const size = Math.min(longestPage, Number(query.get('max-keys') ?? longestPage));
  const left = objects.filter(([key]) => after === '' || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
  const page = left.slice(0, size);
  const isTruncated = left.length > page.length;
  const last = page.at(-1)?.[0] ?? '';
  const said = {
    Name: bucket,
    Prefix: query.get('prefix') ?? '',
    MaxKeys: size,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    NextContinuationToken: isTruncated ? Buffer.from(last).toString('base64') : undefined,
    Contents: page.map(([key, { etag, modifiedAt, body }]) => ({
      Key: key,
      LastModified: modifiedAt.toISOString(),
      ETag: etag,
      Size: body.length,
      StorageClass: 'STANDARD',
    })),
  };
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: writeMarkup({ [`ListBucketResult ${namespace}`]: said }) };
}

function metadataOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value]] : [])),
  );
}

/** The body of an upload to S3: taken out of its chunks, and held against the checksums that came with it. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Incoming } from './incoming.ts';
import { Refusal } from './refusal.ts';

/** What is to be stored; BadDigest or XAmzContentSHA256Mismatch where a checksum says otherwise. */
export function readUpload({ headers, body }: Incoming): Buffer {
  const isChunked = headers['content-encoding']?.includes('aws-chunked') === true;
  const { content, trailers } = isChunked ? unchunk(body) : { content: body, trailers: {} };
  const said: Readonly<Record<string, string>> = { ...headers, ...trailers };
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(content));
  const sha256 = createHash('sha256').update(content);
  expectSum(said['x-amz-checksum-crc32'], sum.toString('base64'), 'BadDigest');
  expectSum(said['x-amz-checksum-sha256'], sha256.copy().digest('base64'), 'BadDigest');
  expectSum(said['content-md5'], createHash('md5').update(content).digest('base64'), 'BadDigest');
  const whole = said['x-amz-content-sha256'];
  if (whole !== undefined && /^[0-9a-f]{64}$/.test(whole)) expectSum(whole, sha256.digest('hex'), 'XAmzContentSHA256Mismatch');
  return content;
}

function expectSum(said: string | undefined, found: string, error: string): void {
  if (said !== undefined && said !== found) throw new Refusal(error, 'The checksum that you specified did not match what was received.');
}

/** Chunks of Signature Version 4: size;signature, bytes, and trailers after the last one, which is empty. */
function unchunk(body: Buffer): { readonly content: Buffer; readonly trailers: Readonly<Record<string, string>> } {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const end = body.indexOf('\r\n', offset);
    const size = Number.parseInt(body.toString('latin1', offset, end === -1 ? body.length : end), 16);
    if (end === -1 || Number.isNaN(size)) throw new Refusal('IncompleteBody', 'The chunks of the body cannot be read.');
    offset = end + 2;
    if (size === 0) break;
    chunks.push(body.subarray(offset, offset + size));
    offset += size + 2;
  }
  const lines = body.toString('latin1', offset).split('\r\n');
  const trailers = Object.fromEntries(
    lines.flatMap((line) => (line.includes(':') ? [[line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]] : [])),
  );
  return { content: Buffer.concat(chunks), trailers };
}

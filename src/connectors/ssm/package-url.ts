/** Where a node reads its package without any right of its own: the place that the document names, signed by the operator for a short time. */
import type { Aws, AwsPlace } from '../../aws.ts';
import { downloadSteps } from '../../agent-document.ts';
import type { Platform } from '../../document-literal.ts';
import type { Pin } from './send.ts';

/** How long the address is good: a node is given a command within minutes, or not at all. */
const goodSeconds = 3_600;
/** Longest address that the document takes. */
const longestUrl = 2_048;

/** What the content of a document is read for here. */
interface Content {
  readonly mainSteps?: readonly {
    readonly name?: string;
    readonly inputs?: { readonly sourceInfo?: string; readonly runCommand?: readonly string[] };
  }[];
}

/**
 * Resolves to an address from which the package of that document version can be read. Rejects with what AWS says, and with an error in words where the document
 * names no place or does not allow the address, or where that is longer than the document takes (a long session token).
 */
export async function packageUrl(aws: Aws, place: AwsPlace, pin: Pin, platform: Platform): Promise<string> {
  const { Content: text = '{}' } = await (await aws.ssm(place)).getDocument({ Name: pin.document, DocumentVersion: pin.version });
  const { bucket, key, region } = placeIn(text, platform) ?? {};
  if (bucket === undefined || key === undefined || region === undefined) throw new NoPackage(`${pin.document} names no package for ${platform}`);
  const url = await aws.presign({ ...place, region }, bucket, key, goodSeconds);
  if (url.length > longestUrl)
    throw new NoPackage(
      `the address of the package has ${url.length} characters, and the document takes ${longestUrl}: use credentials with a shorter session token, or fetch: role`,
    );
  const allowed = urlsIn(text);
  if (!allowed.some((beginning) => url.startsWith(beginning))) {
    const [bare = ''] = url.split('?', 1);
    const beginning = bare.endsWith(key) ? bare.slice(0, -key.length) : bare;
    throw new NoPackage(
      `${pin.document} does not let nodes fetch the package from ${beginning}, only from ${allowed.join(' or ') || 'nowhere'}: agent publish --package-url ${beginning} allows it`,
    );
  }
  return url;
}

/** Where the document of that content lets a host be told to fetch its package from. */
export function urlsIn(content: string): readonly string[] {
  const { mainSteps = [] }: Content = JSON.parse(content);
  for (const { inputs } of mainSteps) {
    const [, urls] = /^\$?urls ?= ?'([^']*)'$/m.exec(inputs?.runCommand?.join('\n') ?? '') ?? [];
    if (urls !== undefined) return urls.split(' ').filter((url) => url !== '');
  }
  return [];
}

/** There is no address to give; the message says why. */
export class NoPackage extends Error {
  override readonly name = 'NoPackage';
}

/** Bucket, key and Region of a platform's package, as the step that downloads it has them. */
export function placeIn(content: string, platform: Platform): { readonly bucket: string; readonly key: string; readonly region: string } | undefined {
  const { mainSteps = [] }: Content = JSON.parse(content);
  const source = mainSteps.find(({ name }) => name === downloadSteps[platform])?.inputs?.sourceInfo ?? '';
  const [, region, bucket, key] = /"path":"https:\/\/s3\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^/"]+)\/([^"]+)"/.exec(source) ?? [];
  return region === undefined || bucket === undefined || key === undefined ? undefined : { bucket, key, region };
}

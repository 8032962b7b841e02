/** Systems Manager and S3 that say what a test wants, call by call, to an unmodified SDK. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { SSM } from '@aws-sdk/client-ssm';

/** What a call is answered with: an error, the text of an object, or the members of an answer. */
export type Answer = object | { readonly error: string };
/** Answers a call by what it asks for. */
export type Script = Readonly<Record<string, (asked: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>>>;

/** Clients that ask the script, each call once. */
export async function clientsOf(t: TestContext, script: Script): Promise<{ readonly ssm: SSM; readonly s3: S3 }> {
  const endpoint = await serve(t, script);
  const settings = { endpoint, region: 'eu-central-1', maxAttempts: 1, credentials: { accessKeyId: 'AKIA', secretAccessKey: 'none' } };
  const [ssm, s3] = [new SSM(settings), new S3({ ...settings, forcePathStyle: true })];
  t.after(() => {
    ssm.destroy();
    s3.destroy();
  });
  return { ssm, s3 };
}

/** Systems Manager, and S3 where the path names an object. */
async function serve(t: TestContext, script: Script): Promise<string> {
  const answerTo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const target = String(request.headers['x-amz-target'] ?? `S3.${request.url}`);
    const name = target.startsWith('S3.') ? 'GetObject' : target.replace('AmazonSSM.', '');
    const asked: Readonly<Record<string, unknown>> = name === 'GetObject' ? { key: target } : JSON.parse(body);
    const answer = await script[name]?.(asked);
    assert.ok(answer !== undefined, `nobody expected ${name}`);
    if ('text' in answer) response.end(answer.text);
    else {
      const error = 'error' in answer ? answer.error : undefined;
      response.writeHead(error === undefined ? 200 : error === 'InternalServerError' ? 500 : 400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(error === undefined ? answer : { __type: error, message: error }));
    }
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

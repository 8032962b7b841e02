/** An endpoint for one test, and the SDK's own clients for it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateDocumentCommand, SendCommandCommand, type SendCommandCommandInput, SSMClient } from '@aws-sdk/client-ssm';
import { type Endpoint, type EndpointOptions, startEndpoint } from './endpoint.ts';
import { accessKeyFor } from './incoming.ts';
import type { ManagedNode } from './managed-node.ts';

type Scope = Pick<TestContext, 'after'>;

/** The SDK's clients for one account and Region. */
export interface Clients {
  readonly ssm: SSMClient;
  readonly s3: S3Client;
}

/** An endpoint until the end of the test, which fails if the endpoint had a bug or a process of a node survives. */
export async function openEndpoint(t: Scope, options: EndpointOptions = {}): Promise<Endpoint & Clients> {
  const endpoint = await startEndpoint(options);
  t.after(async () => {
    await endpoint.close();
    assert.deepEqual(endpoint.bugs, []);
    assert.deepEqual(endpoint.processes(), []);
  });
  return { ...endpoint, ...clientsFor(t, endpoint) };
}

/** Clients that speak for an account in a Region. */
export function clientsFor(t: Scope, { url }: Endpoint, account = '111122223333', region = 'eu-central-1'): Clients {
  const settings = {
    endpoint: url,
    region,
    credentials: { accessKeyId: accessKeyFor(account, 'AKIA'), secretAccessKey: 'a secret of the endpoint' },
  };
  const clients = { ssm: new SSMClient(settings), s3: new S3Client(settings) };
  t.after(() => {
    clients.ssm.destroy();
    clients.s3.destroy();
  });
  return clients;
}

/** The id of a node: i- and 17 digits. */
export function instanceId(number: number): string {
  return `i-${number.toString(16).padStart(17, '0')}`;
}

/** So many Linux nodes. */
export function linuxNodes(count: number, about: Partial<ManagedNode> = {}): ManagedNode[] {
  return Array.from({ length: count }, (_, index) => ({ platform: 'Linux', ...about, instance: instanceId(index + 1) }));
}

/** A step of a document that runs a script on Linux. */
export function shellStep(name: string, script: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    action: 'aws:runShellScript',
    name,
    precondition: { StringEquals: ['platformType', 'Linux'] },
    inputs: { timeoutSeconds: '60', runCommand: script.split('\n'), ...more },
  };
}

/** A document of schema 2.2. */
export function documentText(steps: readonly Readonly<Record<string, unknown>>[], parameters: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ schemaVersion: '2.2', description: 'a test', parameters, mainSteps: steps });
}

/** Makes the document `Test-Document` and sends it; returns the command's id. */
export async function sendDocument(ssm: SSMClient, text: string, request: Partial<SendCommandCommandInput>): Promise<string> {
  await ssm.send(new CreateDocumentCommand({ Name: 'Test-Document', DocumentType: 'Command', DocumentFormat: 'JSON', Content: text }));
  const { Command } = await ssm.send(new SendCommandCommand({ DocumentName: 'Test-Document', MaxErrors: '100%', ...request }));
  assert.ok(Command?.CommandId !== undefined);
  return Command.CommandId;
}

/** Systems Manager: JSON 1.1 to the operations and back, both held against the facts of the model. */
import { randomUUID } from 'node:crypto';
import { cancelCommand, getInvocation, listCommands, listInvocations, sendCommand } from './command-operations.ts';
import { createDocument, deleteDocument, describeDocument, getDocument, listVersions, updateDefault, updateDocument } from './document-operations.ts';
import type { Incoming, Outgoing } from './incoming.ts';
import { breachesOf, describeBreaches, operations } from './model.ts';
import { connectionStatus, describeNodes } from './node-operations.ts';
import { Refusal } from './refusal.ts';
import type { Territory } from './territory.ts';
import type { World } from './world.ts';

/** Answers a request in JSON that the facts have said yes to: this is where it gets its type. */
type Serve = (text: string, territory: Territory, world: World) => unknown;

const served: Readonly<Record<string, Serve>> = {
  CancelCommand: (text, territory) => cancelCommand(territory, JSON.parse(text)),
  CreateDocument: (text, territory) => createDocument(territory, JSON.parse(text)),
  DeleteDocument: (text, territory) => deleteDocument(territory, JSON.parse(text)),
  DescribeDocument: (text, territory) => describeDocument(territory, JSON.parse(text)),
  DescribeInstanceInformation: (text, territory) => describeNodes(territory, JSON.parse(text)),
  GetCommandInvocation: (text, territory, world) => getInvocation(world, territory, JSON.parse(text)),
  GetConnectionStatus: (text, territory) => connectionStatus(territory, JSON.parse(text)),
  GetDocument: (text, territory) => getDocument(territory, JSON.parse(text)),
  ListCommandInvocations: (text, territory, world) => listInvocations(world, territory, JSON.parse(text)),
  ListCommands: (text, territory, world) => listCommands(world, territory, JSON.parse(text)),
  ListDocumentVersions: (text, territory) => listVersions(territory, JSON.parse(text)),
  SendCommand: (text, territory, world) => sendCommand(world, territory, JSON.parse(text)),
  UpdateDocument: (text, territory) => updateDocument(territory, JSON.parse(text)),
  UpdateDocumentDefaultVersion: (text, territory) => updateDefault(territory, JSON.parse(text)),
};

/** Errors that any operation may have, though the model does not list them. */
const undeclared: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'ValidationException',
  'AccessDeniedException',
  'SerializationException',
  'UnknownOperationException',
  'MissingAuthenticationTokenException',
  'ExpiredTokenException',
  'InvalidSignatureException',
  'ServiceUnavailable',
]);

/** Whether a request is one for Systems Manager. */
export function isForSsm({ headers }: Incoming): boolean {
  return headers['x-amz-target']?.startsWith('AmazonSSM.') === true;
}

/** Answers a request; `territoryOf` finds what the caller's account has in the caller's Region. */
export function answerSsm(world: World, territoryOf: (account: string, region: string) => Territory, incoming: Incoming): Outgoing {
  const operation = (incoming.headers['x-amz-target'] ?? '').replace('AmazonSSM.', '');
  const { account = '', region = '' } = incoming.caller ?? {};
  const text = incoming.body.length === 0 ? '{}' : incoming.body.toString();
  const input: unknown = JSON.parse(text);
  const call = world.record.add({ service: 'ssm', operation, account, region, input: Object.fromEntries(Object.entries(input ?? {})) });
  const known = operations.get(operation);
  const answer = served[operation];
  try {
    if (incoming.caller === undefined) throw new Refusal('MissingAuthenticationTokenException', 'Missing Authentication Token');
    if (known === undefined || answer === undefined) throw new Refusal('UnknownOperationException', `The endpoint does not know ${operation}`);
    world.faults.strike({ operation, account, region });
    const breaches = breachesOf(known.input, input);
    const unreadable = breaches.find(({ kind }) => kind === 'type');
    if (unreadable !== undefined) throw new Refusal('SerializationException', unreadable.sentence);
    if (breaches.length > 0) throw new Refusal('ValidationException', describeBreaches(breaches));
    const output = toWire(answer(text, territoryOf(account, region), world));
    const wrong = breachesOf(known.output, output);
    if (wrong.length > 0) throw new Error(`the answer to ${operation} is none of the model: ${wrong.map(({ sentence }) => sentence).join('; ')}`);
    return json(200, output);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    call.error = error.type;
    if (known !== undefined && !known.errors.includes(error.type) && !undeclared.has(error.type)) {
      throw new Error(`${operation} has no error ${error.type}`, { cause: error });
    }
    return json(error.status, { __type: error.type, message: error.message });
  }
}

/** Dates are seconds since 1970 on the wire; what is undefined is not there. */
function toWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1_000;
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, toWire(member)]),
  );
}

function json(status: number, body: unknown): Outgoing {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
  return { status, headers, body: JSON.stringify(body) };
}

/** Security Token Service: credentials that name an account (query protocol, answers in XML). */
import { accessKeyFor, type Incoming, type Outgoing } from './incoming.ts';
import { type Markup, writeMarkup } from './markup.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

const namespace = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';

/** A role that may be assumed, and what it asks for. */
export interface Role {
  /** arn:aws:iam::<account>:role/<name> */
  readonly arn: string;
  readonly externalId?: string;
}

/** Answers AssumeRole and GetCallerIdentity. Without a list of roles every role can be assumed. */
export function answerSts(world: World, roles: readonly Role[] | undefined, incoming: Incoming): Outgoing {
  const parameters = new URLSearchParams(incoming.body.toString());
  const operation = parameters.get('Action') ?? '';
  const { account = '', region = '' } = incoming.caller ?? {};
  const call = world.record.add({ service: 'sts', operation, account, region, input: Object.fromEntries(parameters) });
  try {
    if (incoming.caller === undefined) throw new Refusal('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
    world.faults.strike({ operation, account, region });
    return xml(200, { [`${operation}Response ${namespace}`]: { [`${operation}Result`]: resultOf(operation, account, parameters, roles) } });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    call.error = error.type;
    return xml(error.status, {
      [`ErrorResponse ${namespace}`]: { Error: { Type: 'Sender', Code: error.type, Message: error.message }, RequestId: 'none' },
    });
  }
}

function resultOf(operation: string, account: string, parameters: URLSearchParams, roles: readonly Role[] | undefined): Markup {
  switch (operation) {
    case 'GetCallerIdentity':
      return { Arn: `arn:aws:iam::${account}:user/operator`, UserId: accessKeyFor(account, 'AKIA'), Account: account };
    case 'AssumeRole':
      return assume(parameters, roles);
    default:
      throw new Refusal('InvalidAction', `Could not find operation ${operation} for version 2011-06-15`);
  }
}

function assume(parameters: URLSearchParams, roles: readonly Role[] | undefined): Markup {
  const arn = parameters.get('RoleArn') ?? '';
  const session = parameters.get('RoleSessionName') ?? '';
  const [, account, name] = /^arn:aws:iam::(\d{12}):role\/([\w+=,.@/-]+)$/.exec(arn) ?? [];
  if (account === undefined || name === undefined) throw new Refusal('ValidationError', `${arn} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) throw new Refusal('ValidationError', `The session name ${session} is invalid`);
  const role = roles?.find((known) => known.arn === arn);
  if (roles !== undefined && (role === undefined || (role.externalId ?? null) !== parameters.get('ExternalId'))) {
    throw new Refusal('AccessDenied', `User is not authorized to perform: sts:AssumeRole on resource: ${arn}`, 403);
  }
  const seconds = Number(parameters.get('DurationSeconds') ?? 3_600);
  return {
    Credentials: {
      AccessKeyId: accessKeyFor(account, 'ASIA'),
      SecretAccessKey: 'a secret of the endpoint',
      SessionToken: 'a token of the endpoint',
      Expiration: new Date(Date.now() + seconds * 1_000).toISOString(),
    },
    AssumedRoleUser: { AssumedRoleId: `AROAPMTX${account}:${session}`, Arn: `arn:aws:sts::${account}:assumed-role/${name}/${session}` },
  };
}

function xml(status: number, body: Markup): Outgoing {
  return { status, headers: { 'content-type': 'text/xml' }, body: writeMarkup(body) };
}

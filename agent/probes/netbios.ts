/** NetBIOS on 137/UDP (which names?) and 139/TCP (a session?). */
import { type NetbiosName, type NodeStatus, type SessionReply } from '../codecs/netbios.ts';
import { decodeNodeStatus, decodeSessionReply, encodeNetbiosName, encodeNodeStatusRequest, encodeSessionRequest } from '../codecs/netbios.ts';
import type { Facts } from '../contract/fact.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

const suffix = { workstation: 0x00, server: 0x20, domainControllers: 0x1c } as const;

/**
 * What goes over the wire, and what it concludes (RFC 1002 §4.2.17, §4.3.2; both are often switched off on healthy DCs, so silence says nothing):
 *
 * 1. UDP: a node status request for `*` with a random id; form 1 is the same with a new id. An answer with our id is a NetBIOS name service, and names the host:
 *    by the name that we expect where it is among its own, as a host may have several. An error with our id is one too, and names nobody.
 * 1. TCP: a session request to `*SMBSERVER`, in form 1 to the host's own name, because only old Windows registers the general one ([MS-NBTE] note 4).
 *    Positive, negative and retarget all are a session service; `sessionCode` says which. No session is used, and no retarget is followed.
 */
export function* netbios(question: Question): Dialogue {
  if (question.transport === 'tcp') {
    const calling = encodeNetbiosName('ADPROBE', suffix.workstation);
    const reply = yield* ask(encodeSessionRequest(encodeNetbiosName(calledName(question), suffix.server), calling), decodeSessionReply);
    return { status: 'identified', facts: { sessionCode: sessionCode(reply) } };
  }
  const id = question.random(2).readUInt16BE(0);
  const status = yield* ask(encodeNodeStatusRequest(id), decodeNodeStatus, (answer) => answer.id === id);
  return { status: 'identified', facts: nodeFacts(status, ownName(question)) };
}

function calledName({ form, known, dnsName }: Question): string {
  return form === 0 ? '*SMBSERVER' : (known.netbiosName ?? firstLabel(dnsName));
}

function sessionCode(reply: SessionReply): string {
  return reply.kind === 'negative' ? `0x${reply.code.toString(16).padStart(2, '0')}` : reply.kind;
}

function firstLabel(dnsName: string): string {
  return dnsName.replace(/\..*$/, '');
}

/** The NetBIOS name that belongs to a DNS name. */
function ownName({ dnsName }: Question): string {
  return firstLabel(dnsName).slice(0, 15).toUpperCase();
}

function nodeFacts({ rcode, names }: NodeStatus, expected: string): Facts {
  if (rcode !== 0) return { nameServiceError: rcode };
  const own = [suffix.server, suffix.workstation].flatMap((wanted) => names.filter((entry) => isHostName(entry, wanted)));
  const host = own.find(({ name }) => name.toUpperCase() === expected) ?? own[0];
  const domain = findGroup(names, suffix.domainControllers) ?? findGroup(names, suffix.workstation);
  return {
    netbiosNames: names.map(({ name, suffix: kind }) => `${name}<${kind.toString(16).padStart(2, '0')}>`).sort(),
    ...(host !== undefined && { netbiosName: host.name }),
    ...(domain !== undefined && { netbiosDomain: domain.name }),
  };
}

/** Samba registers `__SAMBA__` for itself, which is nobody's name. */
function isHostName({ name, suffix: kind, group }: NetbiosName, wanted: number): boolean {
  return kind === wanted && !group && !name.startsWith('__');
}

function findGroup(names: readonly NetbiosName[], wanted: number): NetbiosName | undefined {
  return names.find(({ name, suffix: kind, group }) => kind === wanted && group && !name.startsWith('__'));
}

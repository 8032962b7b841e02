/** The Kerberos password-change protocol, as far as a question that nothing can decrypt needs it (RFC 3244 §2). */
import { constructed, integer, octets, type Part, tags } from './ber.ts';
import { type Decoded, guard, incomplete, malformed } from './decoded.ts';
import { decodeKerberosError, encryptionTypes, type KerberosError, name, nameTypes } from './kerberos.ts';

const headerBytes = 6;
const errorTag = 0x7e;

/** Version of a request to change one's own password and of every reply, and the one Microsoft added to set another's. */
const versions: ReadonlySet<number> = new Set([1, 0xff80]);

/** A change request in proper form around a ticket, an authenticator and a message of filler bytes: nothing can be decrypted, so no account is touched. */
export function encodeChangeRequest(realm: string): Buffer {
  const ticket = constructed(
    0x61,
    constructed(
      tags.sequence,
      constructed(0xa0, integer(5)),
      constructed(0xa1, octets(realm, tags.generalString)),
      constructed(0xa2, name(nameTypes.service, 'kadmin', 'changepw')),
      constructed(0xa3, encrypted(Buffer.alloc(64, 0xaa), 1)),
    ),
  );
  const apRequest = constructed(
    0x6e,
    constructed(
      tags.sequence,
      constructed(0xa0, integer(5)),
      constructed(0xa1, integer(14)),
      constructed(0xa2, octets(Buffer.from([0, 0x20, 0, 0, 0]), tags.bitString)),
      constructed(0xa3, ticket),
      constructed(0xa4, encrypted(Buffer.alloc(64, 0xbb))),
    ),
  );
  const message = constructed(
    0x75,
    constructed(tags.sequence, constructed(0xa0, integer(5)), constructed(0xa1, integer(21)), constructed(0xa3, encrypted(Buffer.alloc(48, 0xcc)))),
  );
  return assemble(apRequest, message);
}

/** The shortest request that is answered: no AP-REQ, and a message of one byte. */
export function encodeShortRequest(): Buffer {
  return assemble(Buffer.alloc(0), Buffer.alloc(1));
}

/** Decodes the refusal of a change request: a KRB-ERROR behind the protocol's header, or a bare one, as Active Directory sends it. */
export function decodeChangeReply(bytes: Buffer): Decoded<KerberosError> {
  return guard(() => {
    if (bytes[0] === errorTag) return decodeKerberosError(bytes);
    if (bytes.length < headerBytes) return incomplete;
    const length = bytes.readUInt16BE(0);
    if (!versions.has(bytes.readUInt16BE(2))) return malformed(`a reply of version ${bytes.readUInt16BE(2)}`);
    if (bytes.readUInt16BE(4) !== 0) return malformed('an AP-REP to a request that nothing can decrypt');
    const error = decodeKerberosError(bytes.subarray(headerBytes, Math.max(length, headerBytes)));
    if (error.kind === 'incomplete') return bytes.length < length ? incomplete : malformed('a KRB-ERROR that is longer than its frame');
    if (error.kind === 'malformed') return error;
    return error.length === length - headerBytes ? { ...error, length } : malformed('a KRB-ERROR that is shorter than its frame');
  });
}

function encrypted(cipher: Buffer, keyVersion?: number): Part {
  const version = keyVersion === undefined ? [] : [constructed(0xa1, integer(keyVersion))];
  return constructed(tags.sequence, constructed(0xa0, integer(encryptionTypes[0])), ...version, constructed(0xa2, octets(cipher)));
}

function assemble(apRequest: Buffer, message: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(headerBytes + apRequest.length + message.length, 0);
  header.writeUInt16BE(1, 2);
  header.writeUInt16BE(apRequest.length, 4);
  return Buffer.concat([header, apRequest, message]);
}

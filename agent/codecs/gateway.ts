/** The Remote Desktop Gateway's HTTP transport as far as its first request ([MS-TSGU] 2.2.3.1, 3.3.5.1). */
import { encodeRequest } from './http.ts';

/** Asks for the channel from the gateway to its client, under this id of 16 bytes, without credentials: a gateway wants a logon first. */
export function encodeOutChannel(name: string, port: number, id: Buffer): Buffer {
  const guid = id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '{$1-$2-$3-$4-$5}');
  return encodeRequest('RDG_OUT_DATA', '/remoteDesktopGateway/', name, port, {
    Accept: '*/*',
    'Cache-Control': 'no-cache',
    Pragma: 'no-cache',
    'RDG-Connection-Id': guid,
    'Content-Length': '0',
  });
}

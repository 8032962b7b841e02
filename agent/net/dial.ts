/** One address, one attempt: opens a socket to a target and tells a listener what happens on it. Knows no time, no protocol and no verdict. */
import { createSocket } from 'node:dgram';
import { type AddressInfo, connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../contract/outcome.ts';
import type { Transport } from '../contract/probe.ts';
import type { TlsSession } from '../codecs/tls-session.ts';
import type { Phase } from './classify.ts';
import type { Anchors } from './dialogue.ts';

/** What is dialled: a literal address, never a name, so that one dial is one attempt at one address. */
export interface Target extends Endpoint {
  readonly transport: Transport;
  /** Local port to dial from; absent: the system chooses. */
  readonly localPort?: number;
  /** Local UDP port to dial from, beside other dials of ours, where this host still lets us have it; otherwise the system chooses. */
  readonly preferredPort?: number;
}

/** Told what happens on a wire, in order; nothing more is told after `ended` or `failed`. */
export interface Listener {
  /** TCP: the handshake is done. UDP: the socket is ready to send. */
  readonly opened: () => void;
  readonly received: (bytes: Buffer) => void;
  readonly secured: (session: TlsSession) => void;
  /** The peer closed or reset an open connection. */
  readonly ended: () => void;
  readonly failed: (error: Error, phase: Phase) => void;
}

/** A socket on its way to a target. */
export interface Wire {
  readonly send: (bytes: Uint8Array) => void;
  /** Puts TLS on the connection; `authorities` is the job's PEM text, and `anchors` says what the chain is judged by. */
  readonly secure: (serverName: string, anchors: Anchors, authorities: string | undefined) => void;
  /** Lets go of the socket; nothing is told any more. `reset` drops a peer that talks nonsense. */
  readonly close: (reset?: boolean) => void;
  /** The source's own end of the flow, as far as the system has chosen it. */
  readonly local: () => Endpoint | undefined;
}

/** Dials the target and tells `listener` what comes of it. */
export function dial(target: Target, listener: Listener): Wire {
  return target.transport === 'tcp' ? dialTcp(target, listener) : dialUdp(target, listener);
}

/**
 * Asks the routing table for `address` without sending anything: connecting a UDP socket looks up the route and no more.
 * Resolves to false when this host itself refuses the address.
 */
export function hasRoute(target: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    const answer = (routed: boolean): void => {
      socket.removeAllListeners();
      socket.close();
      resolve(routed);
    };
    socket.once('error', () => answer(false));
    socket.once('connect', () => answer(true));
    socket.connect(target.port, target.address);
  });
}

/** Whether this host lets us have the UDP port, and nobody else holds it: it is bound alone, and let go at once. */
export function canHaveUdpPort(port: number): Promise<boolean> {
  // Windows holds such a port on each address, and a socket beside it would hear nothing.
  if (process.platform === 'win32') return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, () => socket.close(() => resolve(true)));
  });
}

function dialTcp(target: Target, listener: Listener): Wire {
  let local: Endpoint | undefined;
  let open = false;
  let done = false;
  let secured: TLSSocket | undefined;
  const socket = connectTcp({
    host: target.address,
    port: target.port,
    noDelay: true,
    autoSelectFamily: false,
    ...(target.localPort !== undefined && { localPort: target.localPort }),
  });

  const close = (reset = false): void => {
    done = true;
    secured?.destroy();
    if (reset) socket.resetAndDestroy();
    else socket.destroy();
  };
  const fail = (error: Error): void => {
    if (done) return;
    done = true;
    if (open) listener.ended();
    else listener.failed(error, 'after-send');
    socket.destroy();
  };
  const end = (): void => {
    if (done) return;
    done = true;
    listener.ended();
    socket.destroy();
  };
  // The descriptor is gone by the time an error is told, so the local end is read as soon as the system has chosen it.
  process.nextTick(() => {
    local ??= endpointOf(socket);
  });
  socket.on('error', fail);
  socket.on('connect', () => {
    if (done) return;
    socket.on('end', end);
    socket.on('close', end);
    socket.on('data', (bytes) => {
      if (!done) listener.received(bytes);
    });
    local = endpointOf(socket);
    // A port in the ephemeral range can connect to itself when source and destination are one host: nobody listens there.
    if (local !== undefined && local.port === target.port && local.address === target.address) {
      fail(Object.assign(new Error('connected to itself'), { code: 'ECONNREFUSED' }));
      return;
    }
    open = true;
    listener.opened();
  });

  const secure = (serverName: string, anchors: Anchors, authorities: string | undefined): void => {
    socket.removeAllListeners('data');
    socket.removeAllListeners('end');
    const tls = connectTls({
      socket,
      rejectUnauthorized: false,
      // A peer that speaks only what is obsolete is still a fact to report, not a closed port.
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      checkServerIdentity: () => undefined,
      ...(isIP(serverName) === 0 && { servername: serverName }),
      // Without any, Node takes its own roots, and those that NODE_EXTRA_CA_CERTS adds.
      ...(authorities !== undefined && { ca: anchors === 'public' ? [...rootCertificates, authorities] : authorities }),
    });
    secured = tls;
    tls.on('secureConnect', () => {
      if (done) return;
      const certificate = tls.getPeerX509Certificate();
      if (certificate === undefined) {
        fail(new Error('the server sent no certificate'));
        return;
      }
      const isJudged = anchors === 'public' || authorities !== undefined;
      const chain = !isJudged ? 'not-checked' : tls.authorized ? 'trusted' : String(tls.authorizationError);
      listener.secured({ protocol: tls.getProtocol() ?? 'unknown', cipher: tls.getCipher().name, certificate: certificate.raw, chain });
    });
    tls.on('data', (bytes: Buffer) => {
      if (!done) listener.received(bytes);
    });
    tls.on('error', (error) => {
      if (done) return;
      done = true;
      listener.failed(error, 'after-send');
      socket.destroy();
    });
    tls.on('end', end);
  };

  return { send: (bytes) => void (secured ?? socket).write(bytes), secure, close, local: () => local };
}

function dialUdp(target: Target, listener: Listener): Wire {
  let local: Endpoint | undefined;
  let sent = false;
  let done = false;
  // Only a connected socket is told of ICMP errors, and only from its peer does it hear.
  const socket = createSocket({ type: isIPv6(target.address) ? 'udp6' : 'udp4', reuseAddr: target.preferredPort !== undefined });
  let isChoosy = target.preferredPort !== undefined;

  const close = (): void => {
    if (done) return;
    done = true;
    socket.close();
  };
  const fail = (error: Error): void => {
    if (done) return;
    const phase = sent ? 'after-send' : 'before-send';
    close();
    listener.failed(error, phase);
  };
  const connect = (): void => {
    isChoosy = false;
    if (!done) socket.connect(target.port, target.address);
  };
  socket.on('error', (error) => {
    // The socket can be bound anew once this error has been told.
    if (isChoosy) process.nextTick(connect);
    else fail(error);
  });
  // A bound socket takes in what anybody sends to its port until it is connected.
  let peer: AddressInfo | undefined;
  socket.on('message', (bytes, from) => {
    if (!done && from.port === peer?.port && from.address === peer.address) listener.received(bytes);
  });
  socket.once('connect', () => {
    if (done) return;
    const { address, port } = socket.address();
    local = { address, port };
    peer = socket.remoteAddress();
    listener.opened();
  });
  const localPort = target.localPort ?? target.preferredPort;
  if (localPort === undefined) connect();
  else socket.bind(localPort, connect);

  const send = (bytes: Uint8Array): void => {
    // The first send can only meet this host's own refusal; a later one may be handed an ICMP error that was waiting.
    socket.send(bytes, (error) => {
      if (error === null) sent = true;
      else fail(error);
    });
  };
  const secure = (): void => fail(new Error('TLS over UDP is not spoken here'));
  return { send, secure, close, local: () => local };
}

function endpointOf(socket: Socket): Endpoint | undefined {
  const { localAddress, localPort } = socket;
  return localAddress === undefined || localPort === undefined ? undefined : { address: localAddress, port: localPort };
}

/** What the services say by which a host is administered: remote desktop and its gateway, AD Web Services, WinRM. */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';

/** Rules for the answer of a remote desktop server. */
export const rdpRules: readonly Rule[] = [rdpRefusal, rdpSecurity];

/** Rules for the answer of a Remote Desktop Gateway. */
export const gatewayRules: readonly Rule[] = [gateway];

/** Rules for the answer of AD Web Services. */
export const adwsRules: readonly Rule[] = [framingRefusal];

/** Rules for the answer of WinRM without TLS. */
export const winRmRules: readonly Rule[] = [winRm, basicInClear];

/** Rules for the answer of WinRM inside TLS. */
export const winRmTlsRules: readonly Rule[] = [winRm];

/** The server is reached, and clients that offer something else may be served. */
function rdpRefusal({ facts: { rdpFailure: failure } }: Answer): Assessed | undefined {
  return failure === undefined ? undefined : warn({ code: 'rdp-refused', failure });
}

function rdpSecurity({ facts }: Answer): Assessed | undefined {
  return facts.rdpSecurity === 'rdp' ? warn({ code: 'rdp-without-tls' }) : undefined;
}

/** Some .NET service is reached. That ADWS answers the preamble otherwise has not been seen on Windows, so that a fault is no proof against it. */
function framingRefusal({ facts: { framingFault: fault } }: Answer): Assessed | undefined {
  return fault === undefined ? undefined : warn({ code: 'framing-refused', fault });
}

/** An IdentifyResponse, a demand to log on and a refusal of the method are WinRM's own; any other status is that of http.sys before it. */
const servedStatuses: ReadonlySet<number> = new Set([200, 401, 405]);

/** Clients do not get further there, but that Windows answers our question so has not been seen, so that it is no proof against WinRM. */
function winRm({ facts: { httpStatus: status } }: Answer): Assessed | undefined {
  return status === undefined || servedStatuses.has(status) ? undefined : warn({ code: 'winrm-refused', status });
}

function basicInClear({ facts: { httpSchemes = [] } }: Answer): Assessed | undefined {
  return httpSchemes.includes('basic') ? warn({ code: 'basic-in-clear' }) : undefined;
}

/** Schemes by which a gateway lets clients in, and hardly another web server ([MS-TSGU] 3.3.5.1). */
const gatewaySchemes: readonly string[] = ['kerberos', 'negotiate', 'ntlm'];

/** What a server says that cannot serve now. */
const passingStatuses: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** A demand to log on in another way may be that of any web server, and is neither proof of a gateway nor against it. */
function gateway({ facts: { httpStatus: status, httpSchemes = [] } }: Answer): Assessed | undefined {
  if (status === undefined) return undefined;
  if (status === 401) return gatewaySchemes.some((scheme) => httpSchemes.includes(scheme)) ? undefined : warn({ code: 'no-gateway', status });
  return passingStatuses.has(status) ? warn({ code: 'no-gateway', status }) : fail({ code: 'no-gateway', status });
}

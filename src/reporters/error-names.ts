/** Names of the errors that protocols give as numbers, each with its source. */

/** Names of the KDC's errors that a probe is likely to meet (RFC 4120 §7.5.9, [MS-KILE] 2.2.1). */
const kerberosErrors: Readonly<Record<number, string>> = {
  6: 'KDC_ERR_C_PRINCIPAL_UNKNOWN',
  7: 'KDC_ERR_S_PRINCIPAL_UNKNOWN',
  12: 'KDC_ERR_POLICY',
  14: 'KDC_ERR_ETYPE_NOSUPP',
  18: 'KDC_ERR_CLIENT_REVOKED',
  23: 'KDC_ERR_KEY_EXPIRED',
  24: 'KDC_ERR_PREAUTH_FAILED',
  25: 'KDC_ERR_PREAUTH_REQUIRED',
  29: 'KDC_ERR_SVC_UNAVAILABLE',
  31: 'KRB_AP_ERR_BAD_INTEGRITY',
  32: 'KRB_AP_ERR_TKT_EXPIRED',
  37: 'KRB_AP_ERR_SKEW',
  41: 'KRB_AP_ERR_MODIFIED',
  52: 'KRB_ERR_RESPONSE_TOO_BIG',
  60: 'KRB_ERR_GENERIC',
  61: 'KRB_ERR_FIELD_TOOLONG',
  68: 'KDC_ERR_WRONG_REALM',
};

/** The name of a KDC's error, to stand behind its number: ` (KDC_ERR_POLICY)`, or nothing where it is not known. */
export function kerberosError(code: number): string {
  const name = kerberosErrors[code];
  return name === undefined ? '' : ` (${name})`;
}

/** A KDC's error by number, and by name where it is known: `error 12, KDC_ERR_POLICY`. */
export function kerberosName(code: number): string {
  const name = kerberosErrors[code];
  return name === undefined ? `error ${code}` : `error ${code}, ${name}`;
}

/** Names of the results that a rootDSE search or a bind is likely to end with (RFC 4511 §4.1.9). */
const ldapErrors: Readonly<Record<number, string>> = {
  1: 'operationsError',
  2: 'protocolError',
  3: 'timeLimitExceeded',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  11: 'adminLimitExceeded',
  32: 'noSuchObject',
  49: 'invalidCredentials',
  51: 'busy',
  52: 'unavailable',
  80: 'other',
};

/** A result of LDAP by number, and by name where it is known: `error 51, busy`. */
export function ldapError(code: number): string {
  const name = ldapErrors[code];
  return name === undefined ? `error ${code}` : `error ${code}, ${name}`;
}

/** Names of the refusals that an SMB server is likely to give ([MS-ERREF] 2.3.1). */
const ntStatuses: Readonly<Record<string, string>> = {
  '0xc000000d': 'STATUS_INVALID_PARAMETER',
  '0xc0000022': 'STATUS_ACCESS_DENIED',
  '0xc00000bb': 'STATUS_NOT_SUPPORTED',
  '0xc0000205': 'STATUS_INSUFF_SERVER_RESOURCES',
};

/** The name of a status of SMB, to stand behind its number: `, STATUS_ACCESS_DENIED`, or nothing where it is not known. */
export function ntStatus(status: string): string {
  const name = ntStatuses[status];
  return name === undefined ? '' : `, ${name}`;
}

/** Names of the failures of RDP's negotiation ([MS-RDPBCGR] 2.2.1.2.2). */
const rdpFailures: Readonly<Record<number, string>> = {
  1: 'SSL_REQUIRED_BY_SERVER',
  2: 'SSL_NOT_ALLOWED_BY_SERVER',
  3: 'SSL_CERT_NOT_ON_SERVER',
  4: 'INCONSISTENT_FLAGS',
  5: 'HYBRID_REQUIRED_BY_SERVER',
  6: 'SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER',
};

/** The name of a failure of RDP's negotiation, to stand behind its number: `, INCONSISTENT_FLAGS`, or nothing where it is not known. */
export function rdpFailure(code: number): string {
  const name = rdpFailures[code];
  return name === undefined ? '' : `, ${name}`;
}

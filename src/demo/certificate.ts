/**
 * FOR THE DEMO ONLY: the TLS identity of its simulated hosts. The private key below is public, and so protects nothing: trust this authority
 * nowhere. The authority's own key was thrown away. Valid from 2020 to 2120, since Node.js cannot issue certificates.
 */

/** The authority that the demo's certificates are judged by, in PEM. */
export const demoAuthority = `-----BEGIN CERTIFICATE-----
MIIB1TCCAXugAwIBAgIBATAKBggqhkjOPQQDAjBRMRswGQYDVQQDDBJwb3J0bWF0
cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRtYXRyaXggZGVtbyBvbmx5IC0gdHJ1
c3QgdGhpcyBub3doZXJlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjBRMRswGQYDVQQDDBJwb3J0bWF0cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRt
YXRyaXggZGVtbyBvbmx5IC0gdHJ1c3QgdGhpcyBub3doZXJlMFkwEwYHKoZIzj0C
AQYIKoZIzj0DAQcDQgAERRnUbwC+oyBwCohoiVDhmUwwOyddaxWo+JfzjQoMdDX7
JIDaPys/MMRnZy0snHb3od+xWIBjGFLKXLNpF2J07aNCMEAwDwYDVR0TAQH/BAUw
AwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFEKs+Q6Z6qmkusqYwmvqwIY5
AW0gMAoGCCqGSM49BAMCA0gAMEUCIFQSLSTjDSb5CZZrH+NMiargUVz5Rxoto6lh
7ptPtAjSAiEAl7lUthWWU38hkH30vdTUiD56iOUmKOTZe97jx7AokmY=
-----END CERTIFICATE-----
`;

/** Key and certificate of dc1, dc2 and bastion of corp.example.test, in PEM. */
export const demoIdentity = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkx6VDi9tWrTgaNGm
nGvNb/5ySbNm69QJ6fKfxXCfdjChRANCAAT5wF4hWmidSvjkolSTCZ0NyaaOHi4s
uHW6tBCyYRgYMFo7oqiGb4eI2HU4yVOpbihfek21j7WUF62UwSzNU+Le
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIICZTCCAgygAwIBAgIBAjAKBggqhkjOPQQDAjBRMRswGQYDVQQDDBJwb3J0bWF0
cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRtYXRyaXggZGVtbyBvbmx5IC0gdHJ1
c3QgdGhpcyBub3doZXJlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjBZMSMwIQYDVQQDDBpob3N0cyBvZiBjb3JwLmV4YW1wbGUudGVzdDEyMDAGA1UE
CgwpcG9ydG1hdHJpeCBkZW1vIG9ubHkgLSB0cnVzdCB0aGlzIG5vd2hlcmUwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAT5wF4hWmidSvjkolSTCZ0NyaaOHi4suHW6
tBCyYRgYMFo7oqiGb4eI2HU4yVOpbihfek21j7WUF62UwSzNU+Leo4HKMIHHMAwG
A1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMB
MFIGA1UdEQRLMEmCFWRjMS5jb3JwLmV4YW1wbGUudGVzdIIVZGMyLmNvcnAuZXhh
bXBsZS50ZXN0ghliYXN0aW9uLmNvcnAuZXhhbXBsZS50ZXN0MB0GA1UdDgQWBBRS
6QasCQkHIjSlO8Ef4gBTplqI5DAfBgNVHSMEGDAWgBRCrPkOmeqppLrKmMJr6sCG
OQFtIDAKBggqhkjOPQQDAgNHADBEAiAprHULbjOm3ZzKSOw8TtSw/4hJP8dyq6BO
HrtBMOCcrAIgVhoaWqsOKlaiv3gAmFP2X3lT4mnls4FREJsI8iwPrQc=
-----END CERTIFICATE-----
`,
} as const;

/**
 * FOR THE DEMO ONLY: the TLS identity of its simulated domain controllers. The private key below is public, and so protects nothing: trust this authority
 * nowhere. The authority's own key was thrown away. Valid from 2020 to 2120, since Node.js cannot issue certificates.
 */

/** The authority that the demo's certificates are judged by, in PEM. */
export const demoAuthority = `-----BEGIN CERTIFICATE-----
MIIB2DCCAX6gAwIBAgIBATAKBggqhkjOPQQDAjBRMRswGQYDVQQDDBJwb3J0bWF0
cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRtYXRyaXggZGVtbyBvbmx5IC0gdHJ1
c3QgdGhpcyBub3doZXJlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjBRMRswGQYDVQQDDBJwb3J0bWF0cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRt
YXRyaXggZGVtbyBvbmx5IC0gdHJ1c3QgdGhpcyBub3doZXJlMFkwEwYHKoZIzj0C
AQYIKoZIzj0DAQcDQgAEiKVJY96P5NIdxnZqoCL4q+BwzTS46HX1toQpynSKoQKq
pWsBfIRyU/iH9Pb3uDiCWkixBsbBrLnT6f0Hbh7H86NFMEMwEgYDVR0TAQH/BAgw
BgEB/wIBADAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFN0ZdYc1+8cowfAMfsKM
lxKoX9f8MAoGCCqGSM49BAMCA0gAMEUCIQCdPIdN95GtSCnmrISAtd8xnok/Eewh
vsE6LnEQMBC9DQIgYJ4Azypz1/Zy/IGhR9XrOldStbvuMNs2COWsD27Lmpc=
-----END CERTIFICATE-----
`;

/** Key and certificate of dc1 and dc2 of corp.example.test, in PEM. */
export const demoIdentity = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghjpNX04PC1zLPdbf
zZzaVnxFTENne0oNeDWgD1FrOyahRANCAAQY+uUjkz/c4+xyLpbSx9FAnTvNkzi7
uBqf6SUB7AQr3Aj002fxo9IgqaokLLXDpQ/eMEPzya4dmoT9BjfiNd73
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIICWDCCAf6gAwIBAgIBAjAKBggqhkjOPQQDAjBRMRswGQYDVQQDDBJwb3J0bWF0
cml4IGRlbW8gQ0ExMjAwBgNVBAoMKXBvcnRtYXRyaXggZGVtbyBvbmx5IC0gdHJ1
c3QgdGhpcyBub3doZXJlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjBmMTAwLgYDVQQDDCdkb21haW4gY29udHJvbGxlcnMgb2YgY29ycC5leGFtcGxl
LnRlc3QxMjAwBgNVBAoMKXBvcnRtYXRyaXggZGVtbyBvbmx5IC0gdHJ1c3QgdGhp
cyBub3doZXJlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGPrlI5M/3OPsci6W
0sfRQJ07zZM4u7gan+klAewEK9wI9NNn8aPSIKmqJCy1w6UP3jBD88muHZqE/QY3
4jXe96OBrzCBrDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUE
DDAKBggrBgEFBQcDATA3BgNVHREEMDAughVkYzEuY29ycC5leGFtcGxlLnRlc3SC
FWRjMi5jb3JwLmV4YW1wbGUudGVzdDAdBgNVHQ4EFgQUzC260cefZUbzeUwbqHbk
rCPNlCowHwYDVR0jBBgwFoAU3Rl1hzX7xyjB8Ax+woyXEqhf1/wwCgYIKoZIzj0E
AwIDSAAwRQIgd+DumUDfJp+7I0225AFgAT/z9d416fqDCWX113oX6KkCIQDkUtRm
Sc+VdUfYPtMQ5nbWYXdYKW68k90P1IwQjJQ8Wg==
-----END CERTIFICATE-----
`,
} as const;

/**
 * A certificate for `secure.example.org` until the year 2126, signed by itself. It is trusted by
 * tests alone and protects nothing, so that its key may lie here.
 */
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBqDCCAU6gAwIBAgIUOLKGR0t8UBG95OL2fvdm8JQbUmIwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOQ05DVCB0ZXN0IHNpdGUwIBcNMjYxMTIyMTYzNDM4WhgPMjEy
NjEwMjkxNjM0MzhaMBkxFzAVBgNVBAMMDkNOQ1QgdGVzdCBzaXRlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEZRR9pRSpIqv61jSG2e/ayiLdtEzH0gt/c3tgxG+7
ZTgpb0gat4Pj+JbFkrzD0Dmw777MVwKp819sW/aj3SNwLKNyMHAwHQYDVR0OBBYE
FJJ2hNT+uuiTTABSaPUyL7z0g/KbMB8GA1UdIwQYMBaAFJJ2hNT+uuiTTABSaPUy
L7z0g/KbMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0RBBYwFIISc2VjdXJlLmV4YW1w
bGUub3JnMAoGCCqGSM49BAMCA0gAMEUCIGUPyXlDhX1StFjlnQ0RLtz+pUcUnqE0
AS62u8YiFQP5AiEA4liRgsUgwdWMVA/oY+GNfmtyFIiYFiwnuOc1talsztI=
-----END CERTIFICATE-----`;

export const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggFa+kYjvKsA/hrkq
uUlQF7YrbP8DBnkUh1V2l+Nf9XKhRANCAARlFH2lFKkiq/rWNIbZ79rKIt20TMfS
C39ze2DEb7tlOClvSBq3g+P4lsWSvMPQObDvvsxXAqnzX2xb9qPdI3As
-----END PRIVATE KEY-----`;

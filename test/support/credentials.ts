/** Files of credentials as MIT Kerberos 1.20.1 wrote them, for a realm that was thrown away. */

/** A credential cache of alice: what `kinit` left, with its configuration entry, and a ticket for ldap/dc1.corp.example.test that was asked for after it. */
export const credentialCache = Buffer.from(
  'BQQADAABAAgAAAAAAAAAAAAAAAEAAAABAAAAEUNPUlAuRVhBTVBMRS5URVNUAAAABWFsaWNlAAAAAQAAAAEAAAARQ09SUC5FWEFNUExFLlRFU1QAAAAFYWxpY2UAAAABAAAAAwAAAAxY' +
    'LUNBQ0hFQ09ORjoAAAAVa3JiNV9jY2FjaGVfY29uZl9kYXRhAAAACmZhc3RfYXZhaWwAAAAqa3JidGd0L0NPUlAuRVhBTVBMRS5URVNUQENPUlAuRVhBTVBMRS5URVNUAAAAAAAAAAAA' +
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADeWVzAAAAAAAAAAEAAAABAAAAEUNPUlAuRVhBTVBMRS5URVNUAAAABWFsaWNlAAAAAgAAAAIAAAARQ09SUC5FWEFNUExFLlRFU1QA' +
    'AAAGa3JidGd0AAAAEUNPUlAuRVhBTVBMRS5URVNUABIAAAAgmCdc4goXVGwtT6zW4/4uL9VAifPS/8TK6YFQKj7G8VlrB2uBawdrgWsIvQEAAAAAAABBAAAAAAAAAAAAAAAAAathggGn' +
    'MIIBo6ADAgEFoRMbEUNPUlAuRVhBTVBMRS5URVNUoiYwJKADAgECoR0wGxsGa3JidGd0GxFDT1JQLkVYQU1QTEUuVEVTVKOCAV0wggFZoAMCARKhAwIBAaKCAUsEggFHv6WJxbeTQvUq' +
    'IvZYTjEB8VnzQ8vLJiQAFObEUAPpAuaIufsnaAlyYEtbDEE0R1y+0y3vS4k3KSouQABXj9TWdBVC9JV+jjvJ1aYWgSZsjZtzUZhLn2zuDcTFL2JL3NNafe4HrnV+E7a2TFiiDf7GPc7y' +
    '/WzWxKTl/qoiiI58EFQJZ8UtMrOEbNaTaV6YrfEoTV1cscZ0xkVPS1FNInmsPn+f2FQc8SCZwcUCzaXlrjI5Can5IdLSwXM1b9R+1zk6BAOdAGqd1JhQ3TocJHsiVG2BlYxvYtTbUu87' +
    'kSTHd+zBcvie9yaLFmn5h1ErEgLNp86MKpwEglMaVgi6jQWwtDZ9VnymyYTrqIGfQpdZBj3UZUSwgkwh5fj9+xgNZ4bIDOJlYCL3ZU3Z4UFNWytUkXCuXBGrMvrPbsqPnWkAKMjbqTEt' +
    'T/bxAAAAAAAAAAEAAAABAAAAEUNPUlAuRVhBTVBMRS5URVNUAAAABWFsaWNlAAAAAwAAAAIAAAARQ09SUC5FWEFNUExFLlRFU1QAAAAEbGRhcAAAABVkYzEuY29ycC5leGFtcGxlLnRl' +
    'c3QAEgAAACAX3J0rAZRrAGsFjyEkxi2YxqB6N8praOhDKJ4jHdidxmsHa4FrB2uCawi9AQAAAAAAAAkAAAAAAAAAAAAAAAAB5WGCAeEwggHdoAMCAQWhExsRQ09SUC5FWEFNUExFLlRF' +
    'U1SiKDAmoAMCAQOhHzAdGwRsZGFwGxVkYzEuY29ycC5leGFtcGxlLnRlc3SjggGVMIIBkaADAgESoQMCAQKiggGDBIIBf8LgMxQZmVKOO/yc1MS9zJtDdgP6HcWj/n+sbRVwl1kfwJ2I' +
    'UlGvHdwog+O9nSOVYLv0dLr+WSoE2flYQ4dIsp3l2Dk+dpDBFje80fr7DnyexNq7IkHJy34CUuKnfA7a3EussdfAKGr8cSJiNVeIF9e9TC6bqCGPen7JigmciBNROoaLJfKI3Csdzj81' +
    'R0D6Uuypa0Tt2Xyso7UWyHfmUcsSDOrJELu8u2QNBZMlqtK07VBtu+UDxJ0zg82Z5u+hwCLkNcPvsvtR+jSaF6C7gE1mtO1NmGgV08/Rw633FgRHiu+uWhuGh4eD0bg90GE3KWDbbvAq' +
    'vKSvhIWjNXjrxyc0mdyM5yJ5qR/cuyoSk/Ng3BEMzgiPHY4Z/I/tw/JQarOD/jVTafIU4Zfxm/tK8memz02TY5dhxZ7FvA6IXD7pHxwTd+fZKcsnyT7Pi0ncK85tKG9KU1hz30b/Rg6M' +
    'vzTNJcFNuVzUdbCWIjE/f9rDxVEkDk7td2ubf237+9UgAAAAAA==',
  'base64',
);

/** Until when alice's ticket-granting ticket is good, in milliseconds since 1970. */
export const cacheEndsAt = Date.UTC(2026, 10, 26, 23, 13, 5);

/** A key table with a hole where an entry was removed, then host/client.corp.example.test and CLIENT$. */
export const keyTable = Buffer.from(
  'BQL///+tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABWAAIAEUNPUlAuRVhB' +
    'TVBMRS5URVNUAARob3N0ABhjbGllbnQuY29ycC5leGFtcGxlLnRlc3QAAAABawdrgQIAEQAQKNfXe+SwXpmZfc5GPUCxFQAAAAIAAAA/AAEAEUNPUlAuRVhBTVBMRS5URVNUAAdDTElF' +
    'TlQkAAAAAWsHa4ECABEAEB+DUtlKC3ZCo4FNar3nzp8AAAAC',
  'base64',
);

/** The cache with its ticket-granting ticket good until this time. */
export function cacheUntil(endsAt: number): Buffer {
  const bytes = Buffer.from(credentialCache);
  const seconds = cacheEndsAt / 1_000;
  for (let offset = 0; offset < bytes.length - 4; offset += 1) {
    if (bytes.readUInt32BE(offset) === seconds) bytes.writeUInt32BE(Math.floor(endsAt / 1_000), offset);
  }
  return bytes;
}

/** What real servers answered, and when: the captures that the demo answers with. */
export { captures, hex } from '../../src/demo/captures.ts';

/** When the KDC of the vectors said what time it was, in milliseconds since 1970. */
export const capturedAt = {
  preAuthentication: Date.UTC(2026, 10, 22, 7, 50, 31),
  changeRefused: Date.UTC(2026, 10, 22, 7, 50, 59),
  rootDse: Date.UTC(2026, 10, 22, 12, 50, 42),
} as const;

/** Who answers, and in which site, against what the inventory has. */
import { type Answer, type Assessed, fail, warn } from './answer.ts';
import { firstLabel, isSameName, isSameText, told } from './sameness.ts';

/** Stands for the name that an answer does not give. */
export const nobody = '(none)';

/** Whose domain it is. */
export function domain({ facts, expected }: Answer): Assessed | undefined {
  return differing('domain', expected.domain, told(facts.domain));
}

/** Whose domain it is, whatever it is named. */
export function domainGuid({ facts, expected }: Answer): Assessed | undefined {
  return differing('guid', expected.domainGuid, told(facts.domainGuid));
}

/** Which computer it is, by its DNS name. */
export function hostName({ facts, expected }: Answer): Assessed | undefined {
  const actual = told(facts.dnsName);
  if (actual === undefined || isSameName(actual, expected.dnsName)) return undefined;
  return fail({ code: 'wrong-host', what: 'name', expected: expected.dnsName, actual });
}

/** Which computer it is, by its NetBIOS name of at most 15 characters. */
export function netbiosName({ facts, expected }: Answer): Assessed | undefined {
  return differing('name', firstLabel(expected.dnsName).slice(0, 15), told(facts.netbiosName));
}

/** A name service that refuses to tell leaves its identity unknown. */
export function nameService({ facts: { nameServiceError: errorCode } }: Answer): Assessed | undefined {
  return errorCode === undefined ? undefined : warn({ code: 'name-service-refused', errorCode });
}

/** In which site the DC says that it stands. */
export function dcSite({ facts, expected }: Answer): Assessed | undefined {
  const actual = told(facts.site);
  if (actual === undefined || expected.site === undefined || isSameText(actual, expected.site)) return undefined;
  return warn({ code: 'wrong-site', whose: 'dc', expected: expected.site, actual });
}

/** An empty site is the answer to an address that lies in no subnet of AD. */
export function clientSite({ facts: { clientSite: actual }, expected }: Answer): Assessed | undefined {
  if (actual === undefined || expected.clientSite === undefined || isSameText(actual, expected.clientSite)) return undefined;
  return warn({ code: 'wrong-site', whose: 'source', expected: expected.clientSite, actual });
}

/** Another machine, where both texts are known and not the same. */
export function differing(what: 'domain' | 'name' | 'guid', expected: string | undefined, actual: string | undefined): Assessed | undefined {
  if (expected === undefined || actual === undefined || isSameText(expected, actual)) return undefined;
  return fail({ code: 'wrong-host', what, expected, actual });
}

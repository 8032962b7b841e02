import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEmulated } from '../../src/aws.ts';

it('a run is emulated where the SDK is sent elsewhere, and an empty variable sends it nowhere', () => {
  const stand = 'http://127.0.0.1:4566';
  const cases: readonly (readonly [environment: Readonly<Record<string, string>>, emulated: boolean])[] = [
    [{}, false],
    [{ AWS_ENDPOINT_URL: stand }, true],
    [{ AWS_ENDPOINT_URL_SSM: stand }, true],
    [{ AWS_ENDPOINT_URL_SSM: '', AWS_ENDPOINT_URL: stand }, true],
    [{ AWS_ENDPOINT_URL_SSM: 'https://ssm.eu-central-1.amazonaws.com', AWS_ENDPOINT_URL: stand }, false],
    [{ AWS_ENDPOINT_URL: stand, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, false],
  ];
  for (const [environment, emulated] of cases) assert.equal(isEmulated(environment), emulated, JSON.stringify(environment));
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stepExits } from '../../agent/contract/step-exit.ts';
import { missingPackage, readStepEnding } from '../../src/step-ending.ts';

/** As Windows PowerShell 5.1 words them, folded at 80 columns. */
const unsigned = `File C:\\ProgramData\\Amazon\\SSM\\InstanceData\\i-0\\document\\orchestration\\x\\_script.ps1
cannot be loaded. The file is not digitally signed. For more information, see abo
ut_Execution_Policies at https:/go.microsoft.com/fwlink/?LinkID=135170.
    + CategoryInfo          : SecurityError: (:) [], ParentContainsErrorRecordException
    + FullyQualifiedErrorId : Unauthorized
Access
`;
const malicious = `At C:\\x.ps1:1 char:1
This script contains malicious content and has been blocked by your antivirus software.
    + FullyQualifiedErrorId : ScriptContainedMaliciousContent
`;

describe('a step that ended', () => {
  for (const [code, { name, sentence }] of Object.entries(stepExits))
    it(`with code ${code} is ${name}`, () => assert.deepEqual(readStepEnding(Number(code), 'whatever'), { code: Number(code), name, sentence }));

  for (const [what, stderr, name] of [
    ['an execution policy that wants a signature', unsigned, 'execution-policy'],
    ['an antivirus that blocks the script', malicious, 'application-control'],
    ['a language mode that reads no property', '    + FullyQualifiedErrorId : PropertyReferenceNotSupportedInDataSection\n', 'language-mode'],
    ['a language mode that takes no script', '    + FullyQualifiedErrorId : ScriptsNotAllowed\n', 'language-mode'],
  ] as const)
    it(`by ${what} is ${name}`, () => assert.equal(readStepEnding(1, stderr)?.name, name));

  it('in another way is none of ours', () => {
    for (const [code, stderr] of [
      [1, 'something else'],
      [137, unsigned],
      [168, ''],
      [169, ''],
      [194, ''],
      [3010, ''],
      [-1, ''],
      [255, malicious],
    ] as const)
      assert.equal(readStepEnding(code, stderr), undefined);
  });
});

describe('a host without a package', () => {
  for (const platform of ['linux-x64', 'linux-arm64', 'windows-x64'] as const)
    it(`says that it needs that for ${platform}`, () =>
      assert.equal(missingPackage(`a banner\nportmatrix: runtime-missing: ${platform} is not in /opt/x or /var/lib/x\n`), platform));
  it('that does not say which it needs is sent none', () => {
    for (const stderr of [
      '',
      'portmatrix: runtime-missing: there is no Node.js on this host\n',
      'portmatrix: runtime-missing: plan9-x64 is not in /x\n',
    ])
      assert.equal(missingPackage(stderr), undefined);
  });
});

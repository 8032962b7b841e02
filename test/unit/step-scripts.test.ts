/** What can be shown of the PowerShell scripts without Windows: that they parse, and that Constrained Language Mode has no reason to refuse them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { readScripts } from '../../src/agent-package.ts';

declare global {
  // Its types name this, and its package does not bring it.
  interface EmscriptenModule {
    readonly wasmBinary?: Uint8Array;
  }
}

const grammar = fileURLToPath(import.meta.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm'));
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(grammar));

/** Cmdlets of Windows PowerShell 5.1 that these scripts may use: each of a module that comes with Windows. */
const cmdlets = new Set([
  'Copy-Item',
  'Expand-Archive',
  'Get-Acl',
  'Get-ChildItem',
  'Get-Content',
  'Get-Date',
  'Get-FileHash',
  'Get-Item',
  'Get-ItemProperty',
  'Get-Location',
  'Invoke-WebRequest',
  'Move-Item',
  'New-Item',
  'New-TimeSpan',
  'Out-Null',
  'Remove-Item',
  'Select-Object',
  'Set-Content',
  'Split-Path',
  'Start-Process',
  'Stop-Process',
  'Test-Path',
  'Wait-Process',
  'Where-Object',
  'Write-Host',
]);
/** Members that are read: properties, which every language mode but the narrowest reads of any object. */
const properties = new Set([
  'Attributes',
  'CurrentBuildNumber',
  'ExitCode',
  'FullName',
  'FullyQualifiedErrorId',
  'Handle',
  'HasExited',
  'Hash',
  'LanguageMode',
  'LastWriteTime',
  'Name',
  'Path',
  'Sddl',
  'SessionState',
  'TotalHours',
  'TotalSeconds',
]);

function nodesOf(node: Node): readonly Node[] {
  return [node, ...node.children.flatMap((child) => (child === null ? [] : nodesOf(child)))];
}

const scripts = readScripts();
const forbiddenKinds = [
  'invokation_expression',
  'invokation_foreach_expression',
  'class_statement',
  'enum_statement',
  'using_statement',
  'hash_literal_expression',
  'redirection',
];

it('what Constrained Language Mode refuses would be seen', () => {
  for (const [text, kind] of [
    ['$child.Kill()', 'invokation_expression'],
    ["[Console]::Out.Write('x')", 'invokation_expression'],
    ["[System.IO.File]::ReadAllText('x')", 'invokation_expression'],
    ['class A { }', 'class_statement'],
    ['$a = @{ b = 1 }', 'hash_literal_expression'],
    ['& x 2> y', 'redirection'],
  ] as const)
    assert.ok(
      nodesOf((parser.parse(text) ?? assert.fail(text)).rootNode).some(({ type }) => type === kind),
      text,
    );
  assert.ok(parser.parse('if ($a { }')?.rootNode.hasError);
});

describe('a PowerShell script', () => {
  for (const name of ['run.ps1', 'part.ps1'] as const)
    describe(name, () => {
      const script = scripts[name];
      const tree = parser.parse(script) ?? assert.fail('it cannot be parsed');
      const nodes = nodesOf(tree.rootNode);
      const textsOf = (type: string): readonly string[] => nodes.filter((node) => node.type === type).map(({ text }) => text);

      it('is PowerShell', () => {
        assert.deepEqual(
          nodes.filter(({ isError, isMissing }) => isError || isMissing).map(({ text, startPosition }) => ({ text, ...startPosition })),
          [],
        );
        assert.ok(nodes.length > 100);
      });

      it('is ASCII, has Unix line ends and no tabs', () => assert.match(script, /^[\n\x20-\x7e]*\n$/));

      it('calls no method, names no type but the numbers it reads, and loads no code', () => {
        const kinds = new Set(nodes.map(({ type }) => type));
        assert.deepEqual(
          forbiddenKinds.filter((kind) => kinds.has(kind)),
          [],
        );
        assert.deepEqual(
          [...new Set(textsOf('type_literal'))].filter((type) => type !== '[int]'),
          [],
        );
        assert.doesNotMatch(script, /::|Add-Type|New-Object|Invoke-Expression|\biex\b|\.Invoke|-EncodedCommand|ScriptBlock|DownloadString/i);
      });

      it('uses cmdlets of Windows PowerShell, its own functions, and programs of Windows by their path', () => {
        const own = new Set(textsOf('function_name'));
        const called = [...new Set(textsOf('command_name'))];
        assert.deepEqual(
          called.filter((command) => !cmdlets.has(command) && !own.has(command)),
          [],
        );
        for (const program of textsOf('command_name_expr')) assert.match(program, /^"\$system\\(cmd|icacls)\.exe"$/);
        assert.deepEqual(
          [...new Set(textsOf('member_name'))].filter((member) => !properties.has(member)),
          [],
        );
      });

      it('ends with a code each time that it ends', () => {
        assert.match(script, /\nexit 0\n$/);
        const ends = nodes.filter(({ type, text }) => type === 'flow_control_statement' && text.startsWith('exit')).map(({ text }) => text);
        assert.ok(ends.length >= 2 && ends.every((text) => /^exit (\d+|\$Code)$/.test(text)), ends.join());
      });

      it('reads parameters in one quotation only, and as data', () => {
        for (const [, before, parameter, after] of script.matchAll(/(.?)\{\{ (\w+) \}\}(.?)/g))
          assert.deepEqual({ before, after }, { before: "'", after: "'" }, parameter);
      });
    });

  it('run.ps1 refuses an old Windows before it looks at a parameter, a folder or the network', () => {
    const script = scripts['run.ps1'];
    const refusal = script.indexOf("-lt 14393) { Exit-Step 15 'unsupported-os'");
    assert.ok(refusal > 0);
    for (const later of ['{{ ', 'New-Item', 'curl', 'Invoke-WebRequest -', 'icacls.exe']) assert.ok(script.indexOf(later) > refusal, later);
  });
});

it('neither script leaves a variable to the runtime that could load other code into it, and both leave whom the host trusts', () => {
  const [, unix = ''] = /^unset (NODE_OPTIONS .*)$/m.exec(scripts['run.sh']) ?? [];
  const [, windows = ''] = /^foreach \(\$name in ('SSM_Job', .*)\) \{$/m.exec(scripts['run.ps1']) ?? [];
  const node = ['NODE_OPTIONS', 'NODE_PATH', 'NODE_DEBUG', 'NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE', 'NODE_TLS_REJECT_UNAUTHORIZED'];
  const both = [...node, 'OPENSSL_CONF', 'OPENSSL_ENGINES', 'OPENSSL_MODULES'];
  assert.deepEqual(unix.split(' '), [...both, 'LD_AUDIT', 'LD_LIBRARY_PATH', 'LD_PRELOAD']);
  assert.deepEqual(windows.replaceAll("'", '').split(', '), ['SSM_Job', 'SSM_PackageUrl', ...both]);
});

it('the shell scripts are ASCII, and read parameters in one quotation only', () => {
  for (const name of ['run.sh', 'inline.sh', 'part.sh'] as const) {
    assert.match(scripts[name], /^[\n\x20-\x7e]*\n$/);
    for (const [, before, parameter, after] of scripts[name].matchAll(/(.?)\{\{ (\w+) \}\}(.?)/g))
      assert.deepEqual({ before, after }, { before: "'", after: "'" }, parameter);
  }
});

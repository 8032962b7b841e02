# Prints one more part of the agent's results, which its run has left; nothing where there is none. Nothing but text is read here, from a folder that is
# SYSTEM's and the administrators' alone.
$ErrorActionPreference = 'Stop'
trap { exit 21 }
$command = $env:SSM_COMMAND_ID
if (-not $command) { $command = Split-Path -Leaf (Split-Path -Parent $PSScriptRoot) }
if ($command -cnotmatch '^[A-Za-z0-9-]+\z') { exit 0 }
$spool = "@cache@\spool\$command"
if (Test-Path -LiteralPath "$spool\part-@part@") {
    foreach ($line in @(Get-Content -LiteralPath "$spool\part-@part@")) { Write-Host $line }
    Remove-Item -LiteralPath "$spool\part-@part@" -Force
    if (-not (Get-ChildItem -LiteralPath $spool)) { Remove-Item -LiteralPath $spool -Force }
}
exit 0

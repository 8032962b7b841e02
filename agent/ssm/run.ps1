# Runs the agent on a Windows host. What stands between at signs and between braces, and the exit codes, are as in the step for Linux.
# Windows PowerShell 5.1 in Constrained Language Mode runs all of this: cmdlets, operators and properties, no methods and no types.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$started = Get-Date
$system = "$env:SystemRoot\System32"
$work = ''
$brought = ''

function Remove-Rest {
    foreach ($rest in $work, $brought) { if ($rest) { Remove-Item -LiteralPath $rest -Recurse -Force -ErrorAction SilentlyContinue } }
}

# Only a program that inherits stderr writes to it as it is: what PowerShell writes there is folded at a console's width.
function Exit-Step($Code, $Name, $Sentence) {
    $plain = "${Name}: $Sentence" -replace '[^A-Za-z0-9 .,:\\/_-]', ' ' -replace '^(.{300}).*$', '$1'
    try { Start-Process -FilePath "$system\cmd.exe" -ArgumentList "/d /c echo portmatrix: $plain 1>&2" -NoNewWindow -Wait }
    catch { $plain = '' } # The exit code says enough.
    Remove-Rest
    exit $Code
}

trap {
    if ("$($_.FullyQualifiedErrorId)" -match 'ConstrainedLanguage|LanguageMode') { Exit-Step 17 'language-mode' "$_" }
    Exit-Step 21 'agent-bug' "$_"
}

$mode = "$($ExecutionContext.SessionState.LanguageMode)"
if ($mode -notmatch '^(Full|Constrained)Language$') { Exit-Step 17 'language-mode' "the language mode is $mode" }
$build = (Get-ItemProperty -Path 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion').CurrentBuildNumber
if ([int]$build -lt 14393) { Exit-Step 15 'unsupported-os' "build $build of Windows is older than Server 2016" }
$processor = $env:PROCESSOR_ARCHITECTURE
if ($env:PROCESSOR_ARCHITEW6432) { $processor = $env:PROCESSOR_ARCHITEW6432 }
if ($processor -ne 'AMD64') { Exit-Step 15 'unsupported-os' "there is no package for Windows on $processor" }

$cache = '@cache@'
$offline = '@offline@'
$urls = '@urls@'
$runtime = '@windows-x64.runtime@'
$package = '@windows-x64.archive@'
$bundle = '@bundle@'
$policy = '@policy@'
if (-not $package) { Exit-Step 15 'unsupported-os' 'no package for windows-x64 was published' }

# As on Linux: an older agent has put the values in the place of the braces.
if (Test-Path -LiteralPath 'Env:SSM_Job') { $job = $env:SSM_Job } else { $job = '{{ Job }}' }
if (Test-Path -LiteralPath 'Env:SSM_PackageUrl') { $url = $env:SSM_PackageUrl } else { $url = '{{ PackageUrl }}' }
$fetch = '{{ Fetch }}'
$timeout = '{{ ExecutionTimeout }}'
if ($job -cnotmatch '^[A-Za-z0-9+/=]+\z') { Exit-Step 20 'bad-input' 'Job is not base64' }
if ($timeout -cnotmatch '^[1-9][0-9]{1,5}\z') { Exit-Step 20 'bad-input' 'ExecutionTimeout is no number of seconds' }
$command = $env:SSM_COMMAND_ID
# This script lies in a folder of its step, and that in one of its command.
if (-not $command) { $command = Split-Path -Leaf (Split-Path -Parent $PSScriptRoot) }
if ($command -cnotmatch '^[A-Za-z0-9-]+\z') { Exit-Step 20 'bad-input' 'this command has no id' }
foreach ($name in 'SSM_Job', 'SSM_PackageUrl', 'NODE_OPTIONS', 'NODE_PATH', 'NODE_DEBUG', 'NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE', 'NODE_TLS_REJECT_UNAUTHORIZED', 'OPENSSL_CONF', 'OPENSSL_ENGINES', 'OPENSSL_MODULES') {
    Remove-Item -LiteralPath "Env:$name" -ErrorAction SilentlyContinue
}

# How many seconds are left until so many before the step's own end.
function Get-Left($Before) {
    [int]$timeout - $Before - [int](New-TimeSpan -Start $started).TotalSeconds
}

# Any user may make a folder in ProgramData. One that is not SYSTEM's or the administrators' alone is not cleaned up but replaced.
function Protect-Cache {
    if (Test-Path -LiteralPath $cache) {
        $isLink = "$((Get-Item -LiteralPath $cache -Force).Attributes)" -match 'ReparsePoint'
        $isOurs = $false
        try { $isOurs = (Get-Acl -LiteralPath $cache).Sddl -match '^O:(SY|BA)G:[A-Z0-9-]+D:P[A-Z]*(\(A;OICI;FA;;;(SY|BA)\))+$' }
        catch { $isOurs = $false } # What cannot be asked for its owner is none of ours.
        if ($isOurs -and -not $isLink) { return }
        # Other than Remove-Item, rmdir takes away a link and leaves what it leads to.
        & "$system\cmd.exe" /d /c rmdir /s /q $cache | Out-Null
    }
    try { New-Item -ItemType Directory -Path $cache | Out-Null }
    catch { Exit-Step 14 'no-space' "$cache cannot be made" }
    & "$system\icacls.exe" $cache '/inheritance:r' '/grant:r' '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { Exit-Step 13 'fetch-failed' "$cache cannot be made private" }
    if (Get-ChildItem -LiteralPath $cache -Force) { Exit-Step 13 'fetch-failed' "somebody else writes into $cache" }
}

function Test-Hash($File, $Hash) {
    (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash -eq $Hash
}

# What is wrong with the copy in a folder; nothing where both hashes are right.
function Get-Fault($Folder) {
    if (-not (Test-Path -LiteralPath "$Folder\node.exe" -PathType Leaf) -or -not (Test-Path -LiteralPath "$Folder\agent.cjs" -PathType Leaf)) { return 'runtime-missing' }
    if (-not (Test-Hash "$Folder\node.exe" $runtime)) { return 'runtime-hash' }
    if (-not (Test-Hash "$Folder\agent.cjs" $bundle)) { return 'bundle-hash' }
    return ''
}

# Runs a program with files for its input and output, and ends it when its time is up; its exit code, or nothing where it had to be ended.
function Invoke-Program($File, $Arguments, $Seconds) {
    $child = Start-Process -FilePath $File -ArgumentList $Arguments -NoNewWindow -PassThru -WorkingDirectory $work -RedirectStandardInput "$work\in" -RedirectStandardOutput "$work\out" -RedirectStandardError "$work\err"
    # A process whose handle nobody asked for forgets its exit code.
    $handle = $child.Handle
    Wait-Process -InputObject $child -Timeout $Seconds -ErrorAction SilentlyContinue
    if ($child.HasExited) { return $child.ExitCode }
    Stop-Process -InputObject $child -Force -ErrorAction SilentlyContinue
    Wait-Process -InputObject $child -Timeout 4 -ErrorAction SilentlyContinue
}

function Get-Package($File) {
    $left = Get-Left 20
    if ($left -lt 1) { $left = 1 }
    if (Test-Path -LiteralPath "$system\curl.exe") {
        Set-Content -LiteralPath "$work\in" -Value "url = `"$url`"" -Encoding ASCII
        $code = Invoke-Program "$system\curl.exe" "--silent --fail --location --max-redirs 0 --proto =https --connect-timeout 20 --max-filesize 400000000 --output `"$File`" --config -" $left
        if ($code -eq 23) { Exit-Step 14 'no-space' "curl could not write the package into $cache" }
        if ($code -eq 0) { return }
        # curl would say more than a stranger should read of the network; and a presigned address leads nowhere else.
        $why = 'see its manual'
        if ($null -eq $code -or $code -eq 28) { $why = 'it took too long' }
        elseif ($code -eq 5 -or $code -eq 6) { $why = 'a name is not known' }
        elseif ($code -eq 7) { $why = 'no connection' }
        elseif ($code -eq 22) { $why = 'the server refused' }
        elseif ($code -eq 35 -or $code -eq 60) { $why = 'no TLS, or no certificate that is trusted here' }
        elseif ($code -eq 47) { $why = 'the server leads elsewhere' }
        Exit-Step 13 'fetch-failed' "curl ended with code ${code}: $why"
    }
    # Server 2016 brings no curl. Where its .NET is not told to use strong cryptography, it offers no TLS 1.2 and S3 refuses it.
    try { Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $File -TimeoutSec $left -MaximumRedirection 0 }
    catch { Exit-Step 13 'fetch-failed' "Invoke-WebRequest failed. $($_.FullyQualifiedErrorId)" }
}

function Install-Package {
    $new = "$work\new"
    if ($fetch -eq 'download-windows-x64') {
        $archive = $brought
        if (-not $archive) { Exit-Step 13 'fetch-failed' 'the step that downloads brought no package' }
    } elseif ($fetch -eq 'url') {
        if ($url -cnotmatch '^https://[A-Za-z0-9._~:/?&=%+-]+\z') { Exit-Step 20 'bad-input' 'PackageUrl is no https address' }
        # A folder above may be another bucket.
        if ($url -cmatch '\.\.|/\./|%2[Ee]') { Exit-Step 20 'bad-input' 'PackageUrl climbs' }
        if (-not ($urls -split ' ' | Where-Object { $_ -and $url -clike "$_*" })) { Exit-Step 20 'bad-input' 'PackageUrl is nowhere that the document allows' }
        $archive = "$work\$packageName"
        Get-Package $archive
    } else { Exit-Step 13 'fetch-failed' 'this host is windows-x64, which Fetch is not for' }
    if (-not (Test-Hash $archive $package)) { Exit-Step 13 'fetch-failed' 'the package that came is not the published one' }
    try { Expand-Archive -LiteralPath $archive -DestinationPath $new }
    catch { Exit-Step 14 'no-space' "the package could not be unpacked into $cache" }
    $fault = Get-Fault $new
    if ($fault -eq 'bundle-hash') { Exit-Step 12 $fault 'the agent in the package is not the published one' }
    if ($fault) { Exit-Step 11 'runtime-hash' 'the runtime in the package is not the published one' }
    Move-Item -LiteralPath $new -Destination $entry -ErrorAction SilentlyContinue
    # Another command may have been faster.
    if (Get-Fault $entry) { Exit-Step 14 'no-space' "the package could not be moved into $cache" }
}

# Any user may make a folder in C:\, and programs load libraries from beside them: two files are taken, and checked where nobody else writes.
function Copy-Offline {
    if (-not $offline -or (Get-Fault $offline)) { return }
    $copy = "$work\copy"
    try {
        New-Item -ItemType Directory -Path $copy | Out-Null
        Copy-Item -LiteralPath "$offline\node.exe", "$offline\agent.cjs" -Destination $copy
    } catch { Exit-Step 14 'no-space' "nothing can be written into $cache" }
    if (-not (Get-Fault $copy)) { Move-Item -LiteralPath $copy -Destination $entry -ErrorAction SilentlyContinue }
}

$packageName = 'portmatrix-agent-windows-x64.zip'
if ($fetch -eq 'download-windows-x64') {
    $places = "$((Get-Location).Path)\$packageName", "$PSScriptRoot\..\downloads\$packageName"
    $brought = $places | Where-Object { Test-Path -LiteralPath $_ -PathType Leaf } | Select-Object -First 1
}
Protect-Cache
# What commands left that were ended.
Get-ChildItem -Path "$cache\new-*", "$cache\spool\*" -ErrorAction SilentlyContinue | Where-Object { (New-TimeSpan -Start $_.LastWriteTime).TotalHours -gt 24 } | Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
$spool = "$cache\spool\$command"
try {
    $work = (New-Item -ItemType Directory -Force -Path "$cache\new-$command").FullName
    New-Item -ItemType Directory -Force -Path $spool | Out-Null
} catch { Exit-Step 14 'no-space' "nothing can be written into $cache" }

$entry = "$cache\$package"
$fault = Get-Fault $entry
if ($fault) {
    if (Test-Path -LiteralPath $entry) { Remove-Item -LiteralPath $entry -Recurse -Force -ErrorAction SilentlyContinue }
    Copy-Offline
    if (Get-Fault $entry) {
        if ($fetch -eq 'cached') {
            if ($fault -eq 'runtime-hash') { Exit-Step 11 $fault "the runtime in $cache was not the published one, and is removed" }
            if ($fault -eq 'bundle-hash') { Exit-Step 12 $fault "the agent in $cache was not the published one, and is removed" }
            Exit-Step 10 $fault "windows-x64 is not in $offline or $cache"
        }
        Install-Package
    }
    Get-ChildItem -LiteralPath $cache | Where-Object { $_.Name -match '^[0-9a-f]{64}$' -and $_.Name -ne $package } | Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
}

$left = Get-Left 15
if ($left -lt 1) { Exit-Step 13 'fetch-failed' 'so much of ExecutionTimeout is gone that nothing can be asked any more' }
# The agent ends by itself then; Invoke-Program is for one that does not.
$env:PORTMATRIX_ENDS_AFTER_MS = "${left}000"
try { Set-Content -LiteralPath "$work\in" -Value $job -Encoding ASCII }
catch { Exit-Step 14 'no-space' "nothing can be written into $cache" }
try { $code = Invoke-Program "$entry\node.exe" "--max-semi-space-size=8 `"$entry\agent.cjs`" run $policy `"$spool`"" ($left + 5) }
catch { Exit-Step 18 'application-control' "$entry\node.exe cannot be started. $_" }
# Write-Host does not fold a line where stdout is no console.
foreach ($line in @(Get-Content -LiteralPath "$work\out")) { Write-Host $line }
if (-not (Get-ChildItem -LiteralPath $spool)) { Remove-Item -LiteralPath $spool -Force -ErrorAction SilentlyContinue }
if ($null -eq $code) { Exit-Step 19 'agent-ended-badly' 'the agent did not end by itself, and was ended' }
$said = "$(Get-Content -LiteralPath "$work\err" -TotalCount 1)"
if ($code -eq 20) { Exit-Step 20 'bad-input' $said }
if ($code -eq 21) { Exit-Step 21 'agent-bug' $said }
if ($code -ne 0) { Exit-Step 19 'agent-ended-badly' "the agent ended with code $code. $said" }
Remove-Rest
exit 0

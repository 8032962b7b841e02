#!/bin/sh
# Runs the agent on a Linux host. What stands between at signs was written by the publisher of the document. What stands between braces comes with the
# command and is only ever data. Exit codes: agent/contract/step-exit.ts; every failure says one line on stderr.
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
# What could load other code into a program whose hash is right. Whom this host trusts (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE) is its own affair.
unset NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_V8_COVERAGE NODE_COMPILE_CACHE NODE_TLS_REJECT_UNAUTHORIZED OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES LD_AUDIT LD_LIBRARY_PATH LD_PRELOAD

cache='@cache@'
bundle='@bundle@'
policy='@policy@'

# An agent that knows environment variables leaves the braces alone; an older one has put the value in their place.
if [ -n "${SSM_Job+set}" ]; then job=$SSM_Job; else job='{{ Job }}'; fi
timeout='{{ ExecutionTimeout }}'
unset SSM_Job

# Seconds since the host was started: the time of day may be set while this runs.
now() {
  read -r up _ </proc/uptime
  echo "${up%%.*}"
}
started=$(now)
new=
brought=

# The exit codes of this script are those of the table, whatever happens.
# shellcheck disable=SC2317
finish() {
  code=$?
  if [ -n "$new" ]; then rm -rf "$new"; fi
  if [ -n "$brought" ]; then rm -f "$brought"; fi
  case $code in 0 | 1[0-9] | 2[0-2]) ;; *) code=21 ;; esac
  exit "$code"
}
trap finish EXIT
trap 'exit 19' HUP INT TERM

fail() {
  printf 'portmatrix: %s: %s\n' "$2" "$3" >&2
  exit "$1"
}

digest() {
  if [ -f "$1" ]; then sha256sum <"$1" | cut -c 1-64; fi
}

case $job in '' | *[!A-Za-z0-9+/=]*) fail 20 bad-input 'Job is not base64' ;; esac
case $timeout in [1-9][0-9] | [1-9][0-9][0-9] | [1-9][0-9][0-9][0-9] | [1-9][0-9][0-9][0-9][0-9] | [1-9][0-9][0-9][0-9][0-9][0-9]) ;;
  *) fail 20 bad-input 'ExecutionTimeout is no number of seconds' ;;
esac
# This script lies in a folder of its step, and that in one of its command.
command=${SSM_COMMAND_ID:-$(basename "$(dirname "$(dirname "$0")")")}
case $command in *[!A-Za-z0-9-]*) fail 20 bad-input 'this command has no id' ;; esac

mkdir -p "$cache/spool" 2>/dev/null || fail 14 no-space "$cache cannot be made"
if [ -L "$cache" ] || [ "$(stat -c %u "$cache")" != "$(id -u)" ]; then fail 13 fetch-failed "$cache belongs to somebody else"; fi
chmod 700 "$cache" 2>/dev/null
# What commands left that were killed.
if command -v find >/dev/null; then
  find "$cache" "$cache/spool" -mindepth 1 -maxdepth 1 \( -name 'new.*' -o -path "$cache/spool/*" \) -mmin +1440 -exec rm -rf {} + 2>/dev/null
fi

# <package>
fetch='{{ Fetch }}'
if [ -n "${SSM_PackageUrl+set}" ]; then url=$SSM_PackageUrl; else url='{{ PackageUrl }}'; fi
unset SSM_PackageUrl
offline='@offline@'
urls='@urls@'
case $(uname -s)/$(uname -m) in
  Linux/x86_64) platform=linux-x64 runtime='@linux-x64.runtime@' package='@linux-x64.archive@' ;;
  Linux/aarch64) platform=linux-arm64 runtime='@linux-arm64.runtime@' package='@linux-arm64.archive@' ;;
  *) fail 15 unsupported-os "there is no package for $(uname -s) on $(uname -m)" ;;
esac
if [ -z "$package" ]; then fail 15 unsupported-os "no package for $platform was published"; fi
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
case $libc in 'glibc 2.'[0-9] | 'glibc 2.1'[0-9] | 'glibc 2.2'[0-7]) fail 15 unsupported-os "the runtime needs glibc 2.28 or newer, and this is $libc" ;; esac

# What is wrong with the copy in a folder; nothing where both hashes are right.
fault() {
  if [ ! -f "$1/node" ] || [ ! -f "$1/agent.cjs" ]; then
    echo runtime-missing
  elif [ "$(digest "$1/node")" != "$runtime" ]; then
    echo runtime-hash
  elif [ "$(digest "$1/agent.cjs")" != "$bundle" ]; then
    echo bundle-hash
  fi
}

# Whether nobody else can change it after the check.
is_ours() {
  for file in "$1" "$1/node" "$1/agent.cjs"; do
    case $(stat -L -c %u:%A "$file") in 0:?????-??-? | "$(id -u)":?????-??-?) ;; *) return 1 ;; esac
  done
}

# Fetches by the URL of the command, 400 MB at most. It is not among the arguments of a process, which every user of a host can read.
fetch_url() {
  left=$((timeout - 20 + started - $(now)))
  if [ "$left" -lt 1 ]; then left=1; fi
  # Both would say more than a stranger should read of the network; and a presigned address leads nowhere else.
  if command -v curl >/dev/null; then
    tool=curl
    (ulimit -f 800000 && printf 'url = "%s"\n' "$url" | timeout --foreground "$left" curl --silent --fail --location --max-redirs 0 --proto '=https' \
      --connect-timeout 20 --output "$1" --config -) >/dev/null 2>&1
  elif command -v wget >/dev/null; then
    tool=wget
    (ulimit -f 800000 && printf '%s\n' "$url" | timeout --foreground "$left" wget --quiet --max-redirect=0 --timeout=20 --tries=2 --output-document="$1" --input-file=-) >/dev/null 2>&1
  else
    fail 13 fetch-failed 'there is neither curl nor wget on this host'
  fi
  code=$?
  case $tool/$code in
    */0) return ;;
    */153) fail 13 fetch-failed 'the package that came is too large' ;;
    curl/23 | wget/3) fail 14 no-space "$tool could not write the package into $cache" ;;
    curl/[56]) why='a name is not known' ;;
    curl/7 | wget/4) why='no connection' ;;
    curl/22 | wget/8) why='the server refused, or leads elsewhere' ;;
    curl/28 | */124) why='it took too long' ;;
    curl/35 | curl/60 | wget/5) why='no TLS, or no certificate that is trusted here' ;;
    curl/47) why='the server leads elsewhere' ;;
    *) why='see its manual' ;;
  esac
  fail 13 fetch-failed "$tool ended with code $code: $why"
}

# The agent of Systems Manager would keep what it downloaded for two weeks.
archive=portmatrix-agent-$platform.tar.gz
if [ "$fetch" = "download-$platform" ]; then
  for brought in "$archive" "${0%/*}/../downloads/$archive"; do if [ -f "$brought" ]; then break; fi; done
fi

home=
entry=$cache/$package
if [ -n "$offline" ] && [ -z "$(fault "$offline")" ]; then
  if is_ours "$offline"; then home=$offline; else offline="$offline (open to others)"; fi
fi
if [ -z "$home" ]; then
  found=$(fault "$entry")
  case $found in '') home=$entry ;; runtime-hash | bundle-hash) rm -rf "$entry" ;; esac
fi
if [ -z "$home" ]; then
  case $fetch/$found in
    cached/runtime-hash) fail 11 runtime-hash "the runtime in $cache was not the published one, and is removed" ;;
    cached/bundle-hash) fail 12 bundle-hash "the agent in $cache was not the published one, and is removed" ;;
    cached/*) fail 10 runtime-missing "$platform is not in ${offline:+$offline or }$cache" ;;
  esac
  new=$(mktemp -d "$cache/new.XXXXXX" 2>/dev/null) || fail 14 no-space "nothing can be written into $cache"
  case $fetch in
    "download-$platform")
      archive=$brought
      if [ ! -f "$archive" ]; then fail 13 fetch-failed 'the step that downloads brought no package'; fi
      ;;
    url)
      case $url in https://*) ;; *) fail 20 bad-input 'PackageUrl is no https address' ;; esac
      case $url in *[!A-Za-z0-9._~:/?\&=%+-]*) fail 20 bad-input 'PackageUrl has a character that no such address has' ;; esac
      # A folder above may be another bucket.
      case $url in *..* | */./* | *%2[Ee]*) fail 20 bad-input 'PackageUrl climbs' ;; esac
      allowed=
      for place in $urls; do case $url in "$place"*) allowed=1 ;; esac; done
      if [ -z "$allowed" ]; then fail 20 bad-input 'PackageUrl is nowhere that the document allows'; fi
      archive=$new/package
      fetch_url "$archive"
      ;;
    *) fail 13 fetch-failed "this host is $platform, which Fetch is not for" ;;
  esac
  if [ "$(digest "$archive")" != "$package" ]; then fail 13 fetch-failed 'the package that came is not the published one'; fi
  tar --extract --gzip --no-same-owner --no-same-permissions --file="$archive" --directory="$new" node agent.cjs manifest.json 2>/dev/null ||
    fail 14 no-space "the package could not be unpacked into $cache"
  rm -f "$new/package"
  case $(fault "$new") in
    runtime-*) fail 11 runtime-hash 'the runtime in the package is not the published one' ;;
    bundle-*) fail 12 bundle-hash 'the agent in the package is not the published one' ;;
  esac
  # Another command may have been faster.
  if ! mv -T "$new" "$entry" 2>/dev/null && [ -n "$(fault "$entry")" ]; then fail 14 no-space "the package could not be moved into $cache"; fi
  home=$entry
  for old in "$cache"/*; do
    name=${old##*/}
    case $name in "$package" | *[!0-9a-f]*) ;; *) if [ "${#name}" -eq 64 ]; then rm -rf "$old"; fi ;; esac
  done
fi
node=$home/node
# </package>

spool=$cache/spool/$command
rm -rf "$spool"
mkdir "$spool" 2>/dev/null || fail 14 no-space "nothing can be written into $cache"
left=$((timeout - 15 + started - $(now)))
if [ "$left" -lt 1 ]; then fail 13 fetch-failed 'so much of ExecutionTimeout is gone that nothing can be asked any more'; fi
# The agent ends by itself then; what follows is for one that does not.
PORTMATRIX_ENDS_AFTER_MS=${left}000
export PORTMATRIX_ENDS_AFTER_MS
# What a shell says of a child that was killed is not for the reader.
exec 3>&2 2>/dev/null
printf '%s\n' "$job" |
  timeout --foreground --preserve-status --kill-after=5 "$((left + 5))" "$node" --max-semi-space-size=8 "$home/agent.cjs" run "$policy" "$spool" 2>&3 3>&-
code=$?
exec 2>&3 3>&-
rmdir "$spool" 2>/dev/null
case $code in
  0) exit 0 ;;
  # It has said why.
  20 | 21) exit "$code" ;;
  126 | 127) fail 18 application-control "$node cannot be started" ;;
  *) fail 19 agent-ended-badly "the agent ended with code $code" ;;
esac

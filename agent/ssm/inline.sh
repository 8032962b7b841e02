# The agent is in the document, and the runtime is the host's own: it must be new enough, and nobody but root may be able to change it.
node=
old=
own=$(id -u)
for candidate in @nodes@; do
  if [ ! -x "$candidate" ]; then continue; fi
  case $(stat -L -c %u:%A "$candidate") in 0:-????-??-? | "$own":-????-??-?) ;; *) continue ;; esac
  version=$("$candidate" --version 2>/dev/null)
  case $version in v[0-9]*.[0-9]*.[0-9]*) ;; *) continue ;; esac
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  if [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 18 ]; }; then
    node=$candidate
    break
  fi
  old="$candidate is $version"
done
if [ -z "$node" ] && [ -n "$old" ]; then fail 22 runtime-old "$old, and v22.18 or newer is needed"; fi
if [ -z "$node" ]; then fail 10 runtime-missing 'there is no Node.js on this host where the document looks for it'; fi
new=$(mktemp -d "$cache/new.XXXXXX" 2>/dev/null) || fail 14 no-space "nothing can be written into $cache"
home=$new
"$node" -e 'const z = require("node:zlib"), f = require("node:fs");
f.writeFileSync(process.argv[1], z.brotliDecompressSync(Buffer.from(f.readFileSync(0, "latin1"), "base64")));' "$home/agent.cjs" 2>/dev/null <<'BUNDLE' ||
@inline@
BUNDLE
  fail 14 no-space "the agent could not be unpacked into $cache"
if [ "$(digest "$home/agent.cjs")" != "$bundle" ]; then fail 12 bundle-hash 'the agent in the document is not the published one'; fi

# shellcheck shell=bash
# What every recipe here shares: where things are, how to speak, how to get a Debian package and the pinned Node.
# It is sourced, never run. Everything a recipe makes goes below CACHE, so that removing one directory forgets it all.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${ADJUTANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/koji-adjutant}
export ROOT CACHE

# Progress goes to stderr: stdout is for the one line a caller wants to read.
say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root: run it as root, or install sudo ($*)"
  fi
}

need_root() {
  [ "$(id -u)" = 0 ] || die "making images and packages changes root directories: run it again as root (sudo -E $0)"
}

# Runs a noisy command; its output is shown only when it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "failed: $*"
  fi
  rm -f "$log"
}

package_is_here() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"; }

# The package lists of a new machine are empty or old: they are read once, when a package is first asked for.
apt_update_once() {
  [ -z "${ADJUTANT_APT_UPDATED:-}" ] || return 0
  say "reading Debian's package lists"
  quietly apt_get update
  export ADJUTANT_APT_UPDATED=1
}

# apt_install PACKAGE...: installs what is missing, and does nothing when nothing is.
apt_install() {
  command -v apt-get >/dev/null || die "these recipes need Debian's apt-get; install by hand: $*"
  local missing=() package
  for package in "$@"; do
    package_is_here "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt_update_once
  say "installing ${missing[*]}"
  quietly apt_get install --no-install-recommends "${missing[@]}"
}

# The Node that the lock file pins; the machine's own Node is used for nothing but npm.
need_node() {
  local machine
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) die "the pinned Node exists for x86_64 and aarch64, not for $(uname -m)" ;;
  esac
  if [ ! -e "$ROOT/node_modules/.package-lock.json" ] ||
    [ "$ROOT/package-lock.json" -nt "$ROOT/node_modules/.package-lock.json" ]; then
    command -v npm >/dev/null || apt_install npm
    say "installing node_modules"
    # Not `npm ci`: it insists on lock entries for the linter's binaries of every platform, which not every registry has.
    (cd "$ROOT" && quietly npm install --no-save --no-audit --no-fund)
    touch "$ROOT/node_modules/.package-lock.json"
  fi
  NODE=$ROOT/node_modules/node-linux-$machine/bin/node
  [ -x "$NODE" ] || die "$NODE is missing: remove node_modules and run this again"
  PATH=$(dirname "$NODE"):$PATH
  export NODE PATH
}

# One recipe at a time makes one thing: the lock ends with the process that holds it.
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock-$1"
  flock 9
}

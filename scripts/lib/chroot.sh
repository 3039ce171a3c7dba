# shellcheck shell=bash disable=SC2153
# Commands run inside a root directory with no container engine: the package recipes need rpmbuild, not Docker.
# Sourced after common.sh.

# run_in ROOT [SOURCE:TARGET]... -- COMMAND...: the command in that root, with /proc, /dev and these directories mounted
# where only it sees them; they are gone with it.
run_in() {
  local root=$1
  shift
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount --fork --propagation private -- bash -euc '
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    while [ "$1" != -- ]; do
      mkdir -p "$root/${1#*:}"
      mount --bind "${1%%:*}" "$root/${1#*:}"
      shift
    done
    shift
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$root" "$@"
  ' run_in "$root" "$@"
}

# The tools image as a directory to run rpm, rpmbuild and createrepo_c in.
tools_root() {
  local tar directory
  tar=$("$ROOT/scripts/tools-image" tar)
  directory=${tar%.tar}
  if [ ! -e "$directory" ]; then
    rm -rf "$directory.new"
    mkdir -p "$directory.new"
    tar --xattrs --xattrs-include='*' --numeric-owner -xf "$tar" -C "$directory.new"
    mv "$directory.new" "$directory"
  fi
  echo "$directory"
}

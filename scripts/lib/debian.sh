# shellcheck shell=bash disable=SC2153
# Roots made from Debian's packages. Sourced after common.sh. The mirror is whichever one this machine's apt uses: it is read
# from apt at run time, and no root that is made here names it.

SUITE=bookworm

# One line a component that this machine's apt has for the suite, its updates and its security updates.
debian_sources() {
  apt_update_once
  # shellcheck disable=SC2016  # apt-get fills these in
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    sed -n "s/^Debian \(deb [^ ]* $SUITE\(-updates\|-security\)\? main\)\$/\1/p" | sort -u
}

# make_root DIRECTORY PACKAGE...: a configured Debian root with its essential packages and these.
# mmdebstrap is debootstrap with apt as its resolver: security updates included, and several times as fast.
make_root() {
  local directory=$1 sources
  shift
  apt_install mmdebstrap debian-archive-keyring
  sources=$(debian_sources)
  [ -n "$sources" ] || die "apt on this machine has no Debian $SUITE among its sources: add one below /etc/apt/sources.list.d"
  echo "$sources" >"$directory.list"
  quietly mmdebstrap --mode=root --variant=essential --format=directory \
    --include="$(IFS=,; echo "$*")" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' --dpkgopt='path-exclude=/usr/share/bug/*' \
    "$SUITE" "$directory" "$directory.list"
  # What names the machine it was made on has no place in an image.
  rm -rf "$directory.list" "${directory:?}"/dev/* \
    "$directory"/etc/{apt/sources.list{,.d/*},apt/apt.conf.d/99mmdebstrap,dpkg/dpkg.cfg.d/99mmdebstrap,resolv.conf,hostname} \
    "$directory"/var/lib/apt/lists/* "$directory"/var/cache/{apt,debconf,ldconfig}/* "$directory"/var/log/*
}

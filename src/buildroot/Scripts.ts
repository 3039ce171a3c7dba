/**
 * The programs that run as a container's main process.
 *
 * Each is one shell script given on the command line, so the journal holds the whole of what ran. A script that runs
 * as the build user tells how far it came in a file of its own (`stage`): what it says is only ever used to word a
 * failure of that same build. Commands are announced and their exit codes told as mock does, because log analysers
 * look for `Child return code was:` (tasks.md 2A).
 */

/** Where a step's own directories are mounted. Below /run, which no package owns and every root has. */
export const inside = {
  out: "/run/adjutant/out",
  packages: "/run/adjutant/packages",
  status: "/run/adjutant/status"
} as const

/** Exit codes of ours, above what rpm and dnf use, below the shell's 126. */
export const exits = { requiresMissing: 101, dynamicRequiresMissing: 102, noSpec: 103, noSources: 104 } as const

const announced = `
run() {
  list=
  for word in "$@"; do list="$list, '$word'"; done
  printf "DEBUG adjutant:  Executing command: [%s] with env {'TERM': 'vt100', 'SHELL': '/bin/bash', 'HOME': '/builddir', 'HOSTNAME': 'mock', 'PATH': '%s', 'LANG': '%s'} and shell False\\n" "\${list#, }" "$PATH" "$LANG"
  "$@"
  code=$?
  printf 'DEBUG adjutant:  Child return code was: %d\\n' "$code"
  [ "$code" = 0 ] || tell_processes
  return $code
}
# Says so when the kernel refused to make processes. Builtins alone: there may be no room for another one still.
tell_processes() {
  for group in /sys/fs/cgroup/pids /sys/fs/cgroup; do
    [ -r $group/pids.events ] || continue
    read -r word refused <$group/pids.events; read -r most <$group/pids.max
    [ "\${refused:-0}" = 0 ] || printf 'ERROR adjutant:  the limit of %s processes was reached\\n' "$most"
    return
  done
}
stage() { printf '%s\\n' "$1" >${inside.status}/stage; }
`

/**
 * Build: unpack, regenerate the source package, see whether its requirements are met, and build; all in one container
 * when they are. As the build user, without a network, in a login shell. $1 the source package's file name, $2 the
 * spec's, $3 the target architecture, $4 the round (1, 2, …), $5 `dynamic` when a round has generated requirements, $6
 * `settled` when the last round's requirements added nothing, or there have been enough of them: then rpmbuild is
 * left to say what is missing, as mock leaves it.
 * Exits with `requiresMissing` or `dynamicRequiresMissing` when something must be installed first.
 */
export const build = `set -u
${announced}
source=$1; spec=/builddir/build/SPECS/$2; target=$3; round=$4; mode=$5; settled=$6
cd /builddir
stage unpack
if [ "$round" = 1 ]; then
  run /usr/bin/rpm -Uvh --nodeps /builddir/build/originals/"$source" || exit
fi
if [ "$mode" != dynamic ]; then
  stage source
  rm -f /builddir/build/SRPMS/*.src.rpm
  run /usr/bin/rpmbuild -bs --noclean --target "$target" --nodeps "$spec" || exit
fi
stage requires
unmet=
/usr/bin/rpmbuild -bc --nobuild --target "$target" "$spec" >${inside.status}/requires 2>&1 || unmet=--nodeps
if [ "$mode" != dynamic ]; then
  [ -z "$unmet" ] || [ "$settled" = settled ] || exit ${exits.requiresMissing}
  settled=
  if /usr/bin/rpm -qp --requires /builddir/build/SRPMS/*.src.rpm 2>/dev/null | grep -q '^rpmlib(DynamicBuildRequires)'; then
    echo 'Dynamic buildrequires detected'
    echo 'Going to install missing buildrequires. See root.log for details.'
    mode=first
  fi
fi
if [ "$mode" = static ]; then
  stage build
  run /usr/bin/rpmbuild -bb --noclean --target "$target" --nodeps "$spec"
  exit
fi
stage generate
if [ "$mode" = first ]; then prep=; else prep=--noprep; fi
rm -f /builddir/build/SRPMS/*.buildreqs.nosrc.rpm
# Without --nodeps it ends with 11 when something generated is missing; with it, whenever something is generated, and
# it is needed when something static is missing or in the way, which the last command alone is to complain of.
run /usr/bin/rpmbuild -br $prep --noclean --target "$target" $unmet "$spec"
code=$?
if [ "$code" = 11 ] && [ "$settled" != settled ]; then exit ${exits.dynamicRequiresMissing}; fi
[ "$code" = 0 ] || [ "$code" = 11 ] || exit "$code"
rm -f /builddir/build/SRPMS/*.buildreqs.nosrc.rpm
stage build
run /usr/bin/rpmbuild -ba --noprep --noclean --target "$target" "$spec"
`

/** Rebuild of a source package, as `mock --chroot` runs it: as root, in /chroot_tmpdir. $1 the file name. */
export const rebuildSource = `set -u
${announced}
top=/chroot_tmpdir/srpm_unpacked
stage unpack
run rpm --define "_topdir $top" -iv /chroot_tmpdir/srpm/"$1"
stage specs
set -- $top/SPECS/*.spec
[ -e "$1" ] || exit ${exits.noSpec}
[ $# = 1 ] || exit ${exits.noSpec}
stage source
run rpmbuild --define "_topdir $top" -bs --nodeps "$1"
`

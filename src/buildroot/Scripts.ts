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
  status: "/run/adjutant/status",
  repository: "/run/adjutant/repository"
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
 * Base: what `mock --init` does. In a tools image, with the network. $1 the package manager, $2 the group, $3 the
 * query format of the package list, $4… further arguments of the package manager.
 * Leaves in the out directory: root.tar, packages.tsv, log/ and rpmdb/.
 */
export const base = `set -u
manager=$1; group=$2; format=$3; shift 3
out=${inside.out}
mkdir -p $out/root $out/log $out/cache
while read -r action names; do
  printf 'Executing command: %s module %s %s\\n' "$manager" "$action" "$names"
  $manager -y --installroot=$out/root -c ${inside.packages}/yum.conf --setopt=cachedir=$out/cache --setopt=logdir=$out/log "$@" module "$action" $names </dev/null || exit 30
done <${inside.packages}/modules
printf 'Executing command: %s --installroot %s install @%s\\n' "$manager" "$out/root" "$group"
$manager -y --installroot=$out/root -c ${inside.packages}/yum.conf --setopt=cachedir=$out/cache --setopt=logdir=$out/log "$@" install --allowerasing "@$group"
code=$?
printf 'Child return code was: %d\\n' "$code"
# dnf 4 takes these two directories for places in the root.
if [ -d $out/root$out/log ]; then cp -a $out/root$out/log/. $out/log/; fi
[ "$code" = 0 ] || exit 30
rm -rf $out/root$out
rpm --root $out/root -qa --qf "$format" >$out/packages.tsv || exit 30
database=$(rpm --root $out/root --eval '%{_dbpath}')
mkdir -p $out/rpmdb && cp -a $out/root$database/. $out/rpmdb/ || exit 30
rm -rf $out/root/var/cache/dnf $out/root/var/cache/yum
mkdir -p $out/root/builddir $out/root/run/adjutant $out/root/tmp $out/root/var/tmp
chmod 1777 $out/root/tmp $out/root/var/tmp
root=$out/root
for line in "passwd mockbuild:x:1000:135::/builddir:/bin/bash" "group mock:x:135:mockbuild"; do
  file=$root/etc/\${line%% *}; entry=\${line#* }; name=\${entry%%:*}
  touch "$file"; grep -v "^$name:" "$file" >"$file.adjutant"; printf '%s\\n' "$entry" >>"$file.adjutant"
  cat "$file.adjutant" >"$file"; rm -f "$file.adjutant"
done
chown 1000:135 $root/builddir
tar --xattrs --xattrs-include='*' --numeric-owner -C $root -c . >$out/root.tar || exit 20
rm -rf $root
`

/** Check: the image's own rpm, asked for what it holds; and the kernel, as mock's `--chroot "uname -r"`. $1 format. */
export const check = `out=${inside.out}
rpm -qa --qf "$1" >$out/packages.tsv || exit 30
mkdir -p $out/rpmdb && cp -a "$(rpm --eval '%{_dbpath}')/." $out/rpmdb/ || exit 30
uname -r`

/** When the image's rpm reads another database format: give it the tools' database as an export. Commits. */
export const importDatabase = `rpmdb --importdb <${inside.packages}/rpmdb.export`

/** The tools' rpm writes the database out in a form that every rpm reads. */
export const exportDatabase = `rpmdb --dbpath ${inside.packages}/rpmdb --exportdb >${inside.out}/rpmdb.export`

/**
 * Resolve: what would have to be installed, and removed, for these requirements, on top of that rpm database; all of
 * it downloaded. In a tools image, with the network. Python, because dnf's answer to the question is an object.
 * argv: the rpm database inside an installroot, the configuration, the package directory, the result file, arch,
 * then the requirements.
 */
export const resolve = `import json, sys
import dnf, dnf.exceptions
root, config, packages, result, requirements = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
base = dnf.Base()
conf = base.conf
conf.read(config)
conf.installroot = root
conf.cachedir = packages + "/cache"
conf.logdir = packages + "/log"
conf.plugins = False
conf.install_weak_deps = False
import os
for name in (conf.cachedir, conf.logdir, packages + "/rpms"):
    os.makedirs(name, exist_ok=True)
conf.substitutions["releasever"] = os.environ.get("ADJUTANT_RELEASEVER", "")
if os.environ.get("ADJUTANT_ARCH"):
    conf.substitutions["arch"] = os.environ["ADJUTANT_ARCH"]
try:
    base.read_all_repos()
    # The one repository stands in the main file, and none but it.
    base.fill_sack(load_system_repo=True)
except Exception as error:
    print(error)
    sys.exit(30)
missing = []
for requirement in requirements:
    try:
        base.install(requirement)
    except dnf.exceptions.MarkingError:
        missing.append(requirement)
if missing:
    for requirement in missing:
        print("No matching package to install: '%s'" % requirement)
    sys.exit(30)
try:
    base.resolve(allow_erasing=True)
except dnf.exceptions.DepsolveError as error:
    print(error)
    sys.exit(30)
nevra = lambda package: "%s-%s.%s" % (package.name, package.evr, package.arch)
chosen = sorted(base.transaction.install_set, key=nevra)
removed = sorted(base.transaction.remove_set, key=nevra)
for package in chosen:
    print("Installing: %s (%s)" % (nevra(package), package.repoid))
for package in removed:
    print("Removing: %s" % nevra(package))
try:
    base.download_packages(list(chosen))
except Exception as error:
    print(error)
    sys.exit(30)
import shutil
files = []
for package in chosen:
    name = os.path.basename(package.location)
    target = packages + "/rpms/" + name
    if os.path.realpath(package.localPkg()) != os.path.realpath(target):
        shutil.copyfile(package.localPkg(), target)
    files.append(name)
names = set(package.name for package in chosen)
with open(result, "w") as out:
    json.dump({"install": [nevra(package) for package in chosen], "files": files,
               "remove": [nevra(package) for package in removed if package.name not in names]}, out)
`

/**
 * What an engine mounts in every container. A package may own these: it is installed without them, and a build sees the
 * engine's in any case.
 */
const mounted = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys", "/dev"]

/**
 * Install: in the image itself, without a network, as root. $1 query format, $2… what to remove first.
 * Leaves packages.tsv and rpmdb/ in the out directory; the engine commits the container.
 */
export const install = `set -u
format=$1; shift
out=${inside.out}
if [ $# -gt 0 ]; then
  printf 'Executing command: rpm -e --nodeps %s\\n' "$*"
  rpm -e --nodeps "$@" || exit 30
fi
set -- ${inside.packages}/rpms/*.rpm
if [ -e "$1" ]; then
  printf 'Executing command: rpm -U --oldpackage --replacepkgs (%d packages)\\n' "$#"
  rpm -Uv --oldpackage --replacepkgs --define '_netsharedpath ${mounted.join(":")}' "$@"
  code=$?
  printf 'Child return code was: %d\\n' "$code"
  [ "$code" = 0 ] || exit 30
fi
for line in "passwd mockbuild:x:1000:135::/builddir:/bin/bash" "group mock:x:135:mockbuild"; do
  file=/etc/\${line%% *}; entry=\${line#* }; name=\${entry%%:*}
  touch "$file"; grep -v "^$name:" "$file" >"$file.adjutant"; printf '%s\\n' "$entry" >>"$file.adjutant"
  cat "$file.adjutant" >"$file"; rm -f "$file.adjutant"
done
rpm -qa --qf "$format" >$out/packages.tsv || exit 30
mkdir -p $out/rpmdb && cp -a "$(rpm --eval '%{_dbpath}')/." $out/rpmdb/
`

/**
 * Build: unpack, regenerate the source package, see whether its requirements are met, and build; all in one container
 * when they are. As the build user, without a network, in a login shell. $1 the source package's file name, $2 the
 * spec's, $3 the target architecture, $4 the round (1, 2, …), $5 "dynamic" when a round has generated requirements.
 * Exits with `requiresMissing` or `dynamicRequiresMissing` when something must be installed first.
 */
export const build = `set -u
${announced}
source=$1; spec=/builddir/build/SPECS/$2; target=$3; round=$4; dynamic=$5
cd /builddir
stage unpack
if [ "$round" = 1 ]; then
  run /usr/bin/rpm -Uvh --nodeps /builddir/build/originals/"$source" || exit
fi
if [ "$dynamic" != dynamic ]; then
  stage source
  rm -f /builddir/build/SRPMS/*.src.rpm
  run /usr/bin/rpmbuild -bs --noclean --target "$target" --nodeps "$spec" || exit
  stage requires
  if ! /usr/bin/rpmbuild -bc --nobuild --target "$target" "$spec" >${inside.status}/requires 2>&1; then
    if [ "$round" -lt 10 ] && [ "\${ADJUTANT_STABLE:-}" != yes ]; then exit ${exits.requiresMissing}; fi
  fi
  if /usr/bin/rpm -qp --requires /builddir/build/SRPMS/*.src.rpm 2>/dev/null | grep -q '^rpmlib(DynamicBuildRequires)'; then
    echo 'Dynamic buildrequires detected'
    echo 'Going to install missing buildrequires. See root.log for details.'
    dynamic=first
  fi
fi
if [ "$dynamic" = first ] || [ "$dynamic" = dynamic ]; then
  stage generate
  if [ "$dynamic" = first ]; then prep=; else prep=--noprep; fi
  rm -f /builddir/build/SRPMS/*.buildreqs.nosrc.rpm
  run /usr/bin/rpmbuild -br $prep --noclean --target "$target" "$spec"
  code=$?
  if [ "$code" = 11 ] && [ "\${ADJUTANT_STABLE:-}" != yes ]; then exit ${exits.dynamicRequiresMissing}; fi
  [ "$code" = 0 ] || [ "$code" = 11 ] || exit "$code"
  rm -f /builddir/build/SRPMS/*.buildreqs.nosrc.rpm
  stage build
  run /usr/bin/rpmbuild -ba --noprep --noclean --target "$target" --nodeps "$spec"
  exit
fi
stage build
run /usr/bin/rpmbuild -bb --noclean --target "$target" --nodeps "$spec"
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

/**
 * The programs that make a root and add to it: each is one shell script given on the command line of a container.
 *
 * What dnf has to know of a root to resolve on top of it leaves every one of them as `state.tar`: the rpm database in
 * the form that every rpm reads (so that no two rpms have to agree on a format or a path), dnf's module streams, and
 * the distribution's name. Only plain files with known names are taken from the out directory: packages' scriptlets
 * run as root beside it.
 */
import { inside } from "./Scripts.ts"

/** `$root` is where the root is seen: empty inside the root itself. */
const shared = `set -u
out=${inside.out}
run() {
  printf 'Executing command: %s\\n' "$*"
  "$@" </dev/null
  code=$?
  printf 'Child return code was: %d\\n' "$code"
  return $code
}
keep_state() {
  rm -rf $out/state && mkdir -p $out/state || return
  rpmdb \${root:+--root "$root"} --exportdb >$out/state/rpmdb.export || return
  for file in etc/os-release usr/lib/os-release etc/dnf/modules.d var/lib/dnf/modulefailsafe; do
    [ -e "$root/$file" ] || continue
    mkdir -p "$out/state/\${file%/*}" && cp -a "$root/$file" "$out/state/$file" || return
  done
  tar -C $out/state -cf $out/state.tar . && rm -rf $out/state
}
add_build_user() {
  for line in "passwd mockbuild:x:1000:135::/builddir:/bin/bash" "group mock:x:135:mockbuild"; do
    file=$root/etc/\${line%% *}; entry=\${line#* }; name=\${entry%%:*}
    touch "$file"; grep -v "^$name:" "$file" >"$file.adjutant"; printf '%s\\n' "$entry" >>"$file.adjutant"
    cat "$file.adjutant" >"$file"; rm -f "$file.adjutant"
  done
}
`

/**
 * Base: what `mock --init` does. In a tools image, with the network. $1 the package managers that will do, the best
 * first, $2 the group, $3 the query format of the package list, $4… further arguments of the package manager.
 * Leaves in the out directory: root/ and the same as root.tar, packages.tsv, state.tar and log/.
 */
export const base = `${shared}
root=$out/root; group=$2; format=$3
mkdir -p $root $out/log $out/cache
manager=
for name in $1; do
  if command -v "$name" >/dev/null; then manager=$name; break; fi
done
if [ -z "$manager" ]; then
  echo "none of these package managers is in the tools image: $1; set tools_images in [adjutant]"
  exit 30
fi
printf 'Package manager: %s\\n' "$manager"
shift 3
case $(readlink -f "$(command -v "$manager")") in
  *dnf*) common="--setopt=deltarpm=False --setopt=allow_vendor_change=yes --allowerasing" ;;
  *) common= ;;
esac
manage() {
  run "$manager" -y --installroot=$root --config=${inside.packages}/yum.conf --setopt=cachedir=$out/cache --setopt=logdir=$out/log "$@" $common
  code=$?
  # dnf 4 takes these two directories for places in the root.
  if [ -d $root$out/log ]; then cp -a $root$out/log/. $out/log/; fi
  [ "$code" = 0 ] || exit 30
}
while read -r action names; do
  manage "$@" module "$action" $names
done <${inside.packages}/modules
manage "$@" install "@$group"
rm -rf $root$out
rpm --root $root -qa --qf "$format" >$out/packages.tsv || exit 30
keep_state || exit 30
rm -rf $root/var/cache/dnf $root/var/cache/yum
mkdir -p $root/builddir $root/run/adjutant $root/tmp $root/var/tmp
chmod 1777 $root/tmp $root/var/tmp
add_build_user
chown 1000:135 $root/builddir
tar --xattrs --xattrs-include='*' --numeric-owner -C $root -c . >$out/root.tar || exit 20
`

const ask = `rpm -qa --qf "$1" >$out/packages.tsv || exit 30
uname -r | tee $out/kernel`

/** Check: the image's own rpm, asked for what it holds; and the kernel, as mock's `--chroot "uname -r"`. $1 format. */
export const check = `out=${inside.out}
${ask}`

/** The same of an image that was made elsewhere: it leaves its state.tar too. */
export const checkReady = `${shared}
root=
keep_state || exit 30
${ask}`

/** When the image's rpm does not see the database that the tools' rpm made: it makes its own of what that exported. Commits. */
export const importDatabase = `tar -C ${inside.packages} -xOf ${inside.packages}/state.tar ./rpmdb.export | rpmdb --importdb`

/**
 * What an engine mounts in every container. A package may own these: it is installed without them, and a build sees the
 * engine's in any case.
 */
const mounted = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys", "/dev"]

/**
 * Install: in the image itself, without a network, as root. $1 query format, $2 rpm's options, $3… what to
 * remove first.
 * Leaves packages.tsv and state.tar in the out directory; the engine commits the container.
 */
export const install = `${shared}
root=; packages=${inside.packages}; format=$1; options=$2; shift 2
[ $# = 0 ] || run rpm -e --nodeps "$@" || exit 30
set -- $packages/rpms/*.rpm
[ ! -e "$1" ] || run rpm $options --define '_netsharedpath ${mounted.join(":")}' "$@" || exit 30
[ ! -e $packages/modules.tar ] || tar -C / -xf $packages/modules.tar || exit 30
add_build_user
rpm -qa --qf "$format" >$out/packages.tsv || exit 30
keep_state || exit 30
`

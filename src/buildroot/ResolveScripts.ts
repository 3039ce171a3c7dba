/**
 * Resolve: what would have to be installed, and removed, for some requirements, on top of a root that is not there;
 * all of it downloaded. In a tools image, with the network.
 *
 * A requirement is read as `dnf builddep` reads it, which is what mock calls: by what packages provide, then by the
 * files they have, and never as a package's name or a pattern (`python3dist(x[y])` is no glob). One that an installed
 * package meets is met, whatever newer there is. Python, because dnf's answer to the question is an object.
 */
import { inside } from "./Scripts.ts"

/** Makes the root's state known to the tools' own rpm and dnf, and asks. $1… the requirements. */
export const resolve = `set -u
out=${inside.out}; root=/run/adjutant/root
mkdir -p $root && tar -C $root -xf $out/state.tar || exit 30
rpmdb --root $root --importdb <$root/rpmdb.export || exit 30
python=$(command -v python3 || echo /usr/libexec/platform-python)
"$python" $out/resolve.py $root $out "$@"
code=$?
[ "$code" -lt 128 ] || exit "$code"
[ "$code" = 0 ] || exit 30
set --
for file in etc/dnf/modules.d var/lib/dnf/modulefailsafe; do
  [ -z "$(ls -A $root/$file 2>/dev/null)" ] || set -- "$@" $file
done
[ $# = 0 ] || tar -C $root -cf $out/modules.tar "$@"
`

/**
 * argv: the root, the out directory (which has yum.conf), the requirements. ADJUTANT_RELEASEVER and ADJUTANT_FORCEARCH
 * are what mock's options of these names are. Leaves transaction.json, rpms/ and log/.
 */
export const resolvePython = `import json, os, shutil, sys
import dnf, dnf.exceptions, dnf.rpm, dnf.selector, dnf.transaction

root, out, requirements = sys.argv[1], sys.argv[2], sys.argv[3:]
base = dnf.Base()
conf = base.conf
conf.read(out + "/yum.conf")
conf.installroot = root
conf.cachedir = out + "/cache"
conf.logdir = out + "/log"
conf.persistdir = root + "/var/lib/dnf"
conf.plugins = False
conf.allow_vendor_change = True
for name in (conf.cachedir, conf.logdir, conf.persistdir, out + "/rpms"):
    os.makedirs(name, exist_ok=True)
conf.releasever = os.environ.get("ADJUTANT_RELEASEVER") or dnf.rpm.detect_releasever(root) or ""
if os.environ.get("ADJUTANT_FORCEARCH"):
    conf.arch = os.environ["ADJUTANT_FORCEARCH"]
    conf.ignorearch = True
if hasattr(conf, "optional_metadata_types"):
    # Newer dnfs leave the lists of files out, unless somebody is known to ask for a file.
    conf.optional_metadata_types = list(set(conf.optional_metadata_types) | set(["filelists"]))
base._logging._setup_from_dnf_conf(conf, file_loggers_only=True)


def give_up(*lines):
    for line in lines:
        print(line)
    sys.exit(30)


def want(requirement):
    """As \`dnf builddep\` does: false when nothing provides it."""
    selector = dnf.selector.Selector(base.sack)
    selector.set(provides=requirement)
    found = selector.matches()
    if not found and requirement.startswith("/"):
        selector = dnf.selector.Selector(base.sack)
        selector.set(file=requirement)
        found = selector.matches()
    # A rich dependency that nothing matches can be right: the solver decides.
    if not found and not requirement.startswith("("):
        return False
    for package in base.sack.query().installed().filterm(pkg=found):
        print("Package %s is already installed." % package)
    base._goal.install(select=selector, optional=False)
    return True


try:
    # The one repository stands in the main file, and none but it.
    base.read_all_repos()
    base.fill_sack(load_system_repo=True)
    missing = [requirement for requirement in requirements if not want(requirement)]
    if missing:
        give_up(
            *["No matching package to install: '%s'" % requirement for requirement in missing],
            "Not all dependencies satisfied",
            "Error: Some packages could not be found."
        )
    base.resolve(allow_erasing=True)
    print("Dependencies resolved.")
    items = list(base.transaction)
    chosen = sorted(base.transaction.install_set, key=str)
    base.download_packages(chosen)
    if base._moduleContainer:
        base._moduleContainer.save()
except dnf.exceptions.Error as error:
    give_up("Error: %s" % error)


def plain(package):
    """Without the epoch, which not every rpm wants to read."""
    return "%s-%s-%s.%s" % (package.name, package.version, package.release, package.arch)


# What gives way to its own successor is rpm's affair; what has to make room is removed first.
removed = sorted(plain(item.pkg) for item in items if item.action == dnf.transaction.PKG_REMOVE)
replacing = any(item.action not in (dnf.transaction.PKG_INSTALL, dnf.transaction.PKG_REMOVE) for item in items)
if not items:
    print("Nothing to do.")
for package in chosen:
    print("Installing: %s (%s)" % (package, package.repoid))
for name in removed:
    print("Removing: %s" % name)
for package in chosen:
    target = out + "/rpms/" + os.path.basename(package.location)
    try:
        os.link(package.localPkg(), target)
    except OSError:
        shutil.copyfile(package.localPkg(), target)
with open(out + "/transaction.json", "w") as result:
    json.dump({"install": [str(package) for package in chosen], "remove": removed, "replacing": replacing}, result)
`

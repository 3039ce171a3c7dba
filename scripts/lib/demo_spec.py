"""Writes the spec file that turns a Debian root into a small RPM distribution.

Each Debian package in the root becomes a subpackage of the same name whose %files are the package's files as they lie in the
root. What no package owns (the links of the merged /usr, /etc/passwd) and every directory goes to `filesystem`. Dependencies
are Debian's own; what a package built later may ask for (sonames with their symbol versions, pkgconfig(x), perl(X), the names
other RPM distributions use) is read from the files and stated as Provides.

    demo_spec.py ROOT VERSION RELEASE > demo-distribution.spec
"""

import collections
import os
import re
import subprocess
import sys

ROOT, VERSION, RELEASE = sys.argv[1:4]
DPKG = ROOT + "/var/lib/dpkg"

# Debian's own package management and shell, the sanitizers' libraries, and what only a booting machine needs, stay out.
LEFT_OUT = set(
    "adduser apt dash debconf debian-archive-keyring dpkg gpgv init-system-helpers libapt-pkg6.0 sysvinit-utils tzdata"
    " usr-is-merged usrmerge e2fsprogs logsave libext2fs2 libss2"
    " libasan8 libhwasan0 liblsan0 libtsan2 libubsan1".split()
)
LEFT_OUT_PATHS = re.compile(
    r"/(proc|sys|dev|run|tmp|var/(cache|log|tmp|lib/(dpkg|apt|systemd|pam|misc))|etc/(apt|dpkg|rc.\.d|systemd|init\.d|cron\..*"
    r"|logrotate\.d|alternatives/README)|usr/share/(debconf|bug|lintian|doc|doc-base|man|info|locale|menu))/."
    # The engine mounts files of its own over these, and the two others belong to one machine.
    r"|/etc/(hostname|hosts|resolv\.conf|mtab|machine-id|ld\.so\.cache)$|.*\.dpkg-|/etc/.*-$"
    # A sixth of the build root that nobody would miss.
    r"|.*/lib(a|hwa|l|t|ub)san[_.][^/]*$|.*lto-dump[^/]*$"
)

# The names that spec files of other RPM distributions use for what is in these packages.
OTHER_NAMES = {
    "adjutant-rpm-config": "redhat-rpm-config system-rpm-config",
    "base-files": "setup system-release",
    "debianutils": "which",
    "file": "file-libs",
    "g++": "gcc-c++",
    "libbz2-dev": "bzip2-devel",
    "libc-bin": "glibc-common",
    "libc6": "glibc rtld(GNU_HASH)",
    "libc6-dev": "glibc-devel glibc-headers",
    "liblzma-dev": "xz-devel",
    "libncurses-dev": "ncurses-devel",
    "libpopt-dev": "popt-devel",
    "libreadline-dev": "readline-devel",
    "linux-libc-dev": "kernel-headers",
    "passwd": "shadow-utils",
    "perl": "perl-interpreter perl-devel perl-generators",
    "pkgconf": "pkgconf-pkg-config pkgconfig",
    "rpm": "rpm-build",
    "xz-utils": "xz",
    "zlib1g": "zlib",
    "zlib1g-dev": "zlib-devel",
}


def paragraphs(path):
    for text in open(path, encoding="utf-8").read().split("\n\n"):
        fields = dict(re.findall(r"^(\S+): (.*)$", text, re.M))
        if fields.get("Status") == "install ok installed":
            yield fields


def canonical(path):
    """The path with the links of the merged /usr resolved, but not a link in its last place."""
    directory, name = os.path.split(path)
    return os.path.join(os.path.realpath(ROOT + directory)[len(ROOT) :] or "/", name)


def is_directory(path):
    """A directory, or one of the links of the merged /usr, which Debian's packages list as the directories they were."""
    return os.path.isdir(ROOT + path) and (not os.path.islink(ROOT + path) or os.path.dirname(path) == "/")


def final_target(path):
    """Where a chain of links ends, inside the root."""
    for _ in range(10):
        path = canonical(path)
        if not os.path.islink(ROOT + path):
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(ROOT + path)))
    return path


packages = {p["Package"]: p for p in paragraphs(DPKG + "/status") if p["Package"] not in LEFT_OUT}
files = collections.defaultdict(set)
provides = collections.defaultdict(set)
owner = {}
left_out_files = set()

for listing in sorted(os.listdir(DPKG + "/info")):
    name = listing.removesuffix(".list").split(":")[0]
    if not listing.endswith(".list"):
        continue
    for listed in open(f"{DPKG}/info/{listing}", encoding="utf-8").read().splitlines():
        path = canonical(listed)
        if is_directory(path):
            continue
        if name not in packages:
            left_out_files.add(path)
        elif os.path.lexists(ROOT + path) and not LEFT_OUT_PATHS.match(path):
            owner[path] = name
            if path != listed:
                provides[name].add(listed)  # scripts say /bin/bash, whatever the tree looks like

owner["/etc/rpm/macros"] = "adjutant-rpm-config"
# rpm's own scripts, and many a spec file, are written for a /bin/sh that is bash.
owner["/usr/bin/sh"] = "bash"
provides["bash"].add("/bin/sh")

directories = set()
for directory, names, others in os.walk(ROOT):
    inside = directory[len(ROOT) :] or "/"
    for name in [*names, *others]:
        path = os.path.join(inside, name)
        whole = ROOT + path
        if LEFT_OUT_PATHS.match(path):
            continue
        if os.path.isdir(whole) and not os.path.islink(whole):
            directories.add(path)
        elif path not in owner and path not in left_out_files:
            if not os.path.islink(whole):
                owner[path] = "filesystem"
            elif "/etc/alternatives/" in path + os.readlink(whole):
                # An alternative's links belong to whom they lead to; one that leads nowhere was for a manual page.
                if (chosen := owner.get(final_target(path))) is not None:
                    owner[path] = chosen
            elif os.path.lexists(ROOT + final_target(path)):
                owner[path] = owner.get(final_target(path), "filesystem")
for path, name in owner.items():
    files[name].add(path)


def elf_provides(paths):
    found = subprocess.run(
        ["/usr/lib/rpm/elfdeps", "--provides"], input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=False
    )
    return set(found.stdout.split("\n")) - {""}


def file_provides(name):
    libraries = []
    for path in files[name]:
        if re.search(r"\.so(\.|$)", path) and not os.path.islink(ROOT + path):
            if open(ROOT + path, "rb").read(4) == b"\x7fELF":
                libraries.append(ROOT + path)
        elif path.endswith(".pc"):
            text = open(ROOT + path, encoding="utf-8").read()
            version = re.search(r"^Version:\s*(\d[\w.]*)\s*$", text, re.M)
            module = "pkgconfig(%s)" % os.path.basename(path).removesuffix(".pc")
            yield f"{module} = {version[1]}" if version else module
        elif module := re.match(r"/(?:usr/share|usr/lib(?:/[^/]+-linux-gnu)?|etc)/perl(?:-base|5|/[\d.]+)?/(.+)\.pm$", path):
            yield "perl(%s)" % module[1].replace("/", "::")
    if libraries:
        yield from elf_provides(libraries)


def requirements(fields):
    """The first of each list of alternatives that this distribution has; what it has none of was Debian's own."""
    wanted = ", ".join(fields[f] for f in ("Pre-Depends", "Depends") if f in fields)
    for alternatives in filter(None, wanted.split(", ")):
        for alternative in alternatives.split("|"):
            name = re.match(r"\s*([^\s:(]+)", alternative)[1]
            chosen = name if name in packages else virtual.get(name)
            if chosen:
                yield chosen
                break


virtual = {}
for name, fields in packages.items():
    for provided in filter(None, fields.get("Provides", "").split(",")):
        virtual.setdefault(provided.split()[0], name)
        if "(" not in provided.split()[0]:
            provides[name].add(provided.split()[0])


def quoted(path):
    return '"%s"' % re.sub(r"([\[?*])", r"[\1]", path).replace("%", "%%")  # rpmbuild expands patterns even here


def subpackage(name, summary, description, requires, noarch, contents):
    names = sorted(provides[name] | set(OTHER_NAMES.get(name, "").split()) | set(file_provides(name)))
    lines = [f"%package -n {name}", f"Summary: {summary}", "AutoReqProv: no"]
    lines += ["BuildArch: noarch"] if noarch else []
    lines += [f"Requires: {r}" for r in sorted(requires)]
    lines += ["Requires(pre): filesystem"] if name != "filesystem" else []
    lines += [f"Provides: {n}" for n in names]
    lines += [f"%description -n {name}", description, f"%files -n {name}", *contents, ""]
    return "\n".join(lines)


print(f"""# Written by demo_spec.py from a Debian root: do not edit.
Name: demo-distribution
Version: {VERSION}
Release: {RELEASE}
Summary: A small distribution to build packages in
License: The licences of its parts
# Everything is stated; nothing is stripped, compressed or looked into again.
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global _unpackaged_files_terminate_build 0
%global _binaries_in_noarch_packages_terminate_build 0
%global _binary_payload w1.zstdio
%description
Debian's packages as RPM packages, for trying out and testing a builder.
""")

print(
    subpackage(
        "filesystem", "The directories, and what no other package has", "Directories, links and the first users.", [], False,
        [f"%dir {quoted(d)}" for d in sorted(directories)]
        + [("%config(noreplace) " if f.startswith("/etc/") else "") + quoted(f) for f in sorted(files["filesystem"])],
    )
)
print(
    subpackage(
        "adjutant-rpm-config", "Macros that ordinary spec files expect", "Macros on top of Debian's rpm.", ["rpm"], True,
        [quoted(f) for f in sorted(files["adjutant-rpm-config"])],
    )
)
for name, fields in sorted(packages.items()):
    contents = [("%config(noreplace) " if f.startswith("/etc/") and not os.path.islink(ROOT + f) else "") + quoted(f)
                for f in sorted(files[name])]
    requires = set(requirements(fields)) - {name}
    summary = fields.get("Description", name)
    print(subpackage(name, summary, summary + ".", requires, fields["Architecture"] == "all", contents))

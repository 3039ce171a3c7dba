/** Packages that hold next to nothing, made by rpmbuild in the tools image, and a repository of them on this machine. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { Effect } from "effect"
import { type Ground, runStep, stepOf } from "../contract/EngineContract.ts"

export interface SmallPackage {
  readonly name: string
  readonly version?: string
  readonly arch?: "noarch" | "i686" | "x86_64" | "aarch64"
  /** Lines of the spec file: `Provides: x`, `Conflicts: y`. */
  readonly lines?: ReadonlyArray<string>
  /** What is in its files, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Sections of its own, as `%post`. */
  readonly scripts?: string
}

const specOf = ({ name, version = "1", arch = "noarch", lines = [], files = {}, scripts = "" }: SmallPackage) => `
Name: ${name}
Version: ${version}
Release: 1
Summary: Next to nothing
License: None
AutoReqProv: no
${arch === "noarch" ? "BuildArch: noarch" : ""}
${lines.join("\n")}
%description
Next to nothing.
%install
${Object.entries(files).map(fileLines).join("\n")}
${scripts}
%files
${Object.keys(files).join("\n")}
`

const fileLines = ([path, content]: readonly [string, string]) => `
install -D -m 644 /dev/null %{buildroot}${path}
cat >%{buildroot}${path} <<'END'
${content.replaceAll("%", "%%")}
END`

/** The file that rpmbuild makes of it. */
export const rpmName = ({ name, version = "1", arch = "noarch" }: SmallPackage): string =>
  `${name}-${version}-1.${arch}.rpm`

/**
 * A package with a userland that runs every script of a root: shell, tools, rpm, and their libraries, taken from the
 * image it is built in. It calls itself noarch, so that roots of every arch can be made of it.
 */
const userland = `
Name: userland
Version: 1
Release: 1
Summary: Enough of a system
License: None
BuildArch: noarch
AutoReqProv: no
Provides: /bin/sh
%define _binaries_in_noarch_packages_terminate_build 0
%define __os_install_post %{nil}
%define _binary_payload w1.gzdio
%description
Enough of a system.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/lib %{buildroot}/usr/lib64 %{buildroot}/usr/sbin %{buildroot}/etc
for link in bin lib lib64 sbin; do ln -s usr/$link %{buildroot}/$link; done
tools="bash cat chmod chown cp cut grep ls mkdir mv rm sh tar tee touch uname linux32 env id sleep"
for tool in $tools rpm rpmdb; do cp -L $(command -v $tool) %{buildroot}/usr/bin/; done
for library in $(ldd %{buildroot}/usr/bin/* | sed -n 's,.*[[:space:]]\\(/[^ ]*\\) (0x.*,\\1,p' | sort -u); do
  mkdir -p %{buildroot}$(dirname $library); cp -L $library %{buildroot}$library
done
cp -a /usr/lib/rpm %{buildroot}/usr/lib/
printf 'ID=small\\nPLATFORM_ID="platform:small1"\\n' >%{buildroot}/etc/os-release
printf 'root:x:0:0::/root:/bin/sh\\n' >%{buildroot}/etc/passwd
printf 'root:x:0:\\n' >%{buildroot}/etc/group
%files
/*
`

export interface SmallRepository {
  readonly packages: ReadonlyArray<SmallPackage>
  /** Spec files of source packages, by name; those are not in the repository. */
  readonly sources?: Readonly<Record<string, string>>
  /** Whether it has `userland`. */
  readonly userland?: boolean
  /** Package names by group. */
  readonly groups?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly modules?: string
}

const compsOf = (groups: Readonly<Record<string, ReadonlyArray<string>>>): string => {
  const group = ([id, names]: readonly [string, ReadonlyArray<string>]) =>
    `<group><id>${id}</id><name>${id}</name><packagelist>${names
      .map((name) => `<packagereq type="mandatory">${name}</packagereq>`)
      .join("")}</packagelist></group>`
  return `<?xml version="1.0"?><comps>${Object.entries(groups).map(group).join("")}</comps>`
}

/** Makes `directory/rpms`, a repository, and `directory/srpms`. */
export const makeRepository = Effect.fnUntraced(function* (
  ground: Ground,
  directory: string,
  { packages, sources = {}, userland: withUserland = false, groups, modules }: SmallRepository
) {
  for (const name of ["specs", "sources", "rpms", "srpms"]) mkdirSync(join(directory, name), { recursive: true })
  for (const made of packages) writeFileSync(join(directory, "specs", rpmName(made)), specOf(made))
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(directory, "sources", `${name}.spec`), text)
  if (withUserland) writeFileSync(join(directory, "specs", rpmName({ name: "userland" })), userland)
  if (groups !== undefined) writeFileSync(join(directory, "comps.xml"), compsOf(groups))
  if (modules !== undefined) writeFileSync(join(directory, "modules.yaml"), modules)
  const { reason, text } = yield* runStep(
    stepOf(ground, "packages", making, {
      environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
      mounts: [{ source: directory, target: "/work", readOnly: false, relabel: "none" }],
      capabilities: "install",
      limits: { memoryBytes: 1024 ** 3, wallSeconds: 600, silenceSeconds: 600 }
    })
  )
  if (reason._tag !== "Exited" || reason.code !== 0) return yield* Effect.die(new Error(text()))
})

const making = `set -e; cd /work
build() {
  rpmbuild --quiet --define '_topdir /tmp/rpmbuild' --define '_rpmdir /work/rpms' --define '_srcrpmdir /work/srpms' \
    --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' --define 'debug_package %{nil}' "$@"
}
for spec in specs/*; do
  target=\${spec%.rpm}
  build -bb --target "\${target##*.}" "$spec"
done
for spec in sources/*.spec; do [ ! -e "$spec" ] || build -bs --nodeps "$spec"; done
createrepo_c --quiet $([ ! -e comps.xml ] || echo -g /work/comps.xml) rpms
[ ! -e modules.yaml ] || modifyrepo_c --mdtype=modules modules.yaml rpms/repodata`

/** Serves a directory on this machine alone; its URL. */
export const served = (directory: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer((request, response) => {
        try {
          response.end(readFileSync(join(directory, decodeURIComponent(request.url ?? "").split("?")[0] ?? "")))
        } catch {
          response.writeHead(404).end()
        }
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close: () => void server.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ url }) => url))

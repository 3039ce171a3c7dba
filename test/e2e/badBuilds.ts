/**
 * Source packages that must not do harm, and what is to become of each: how its task ends, in whose words, and which
 * log on the hub tells more.
 */
import { join } from "node:path"
import { Effect } from "effect"
import type { Struct } from "../../src/hub/Value.ts"
import { behaving, changed, payloadOffset, sourcePackage } from "./packages.ts"

export interface BadBuild {
  readonly what: string
  readonly source: (directory: string) => Effect.Effect<string>
  readonly options?: Struct
  /** The fault of the task to blame and of every task above it; null for a build that succeeds all the same. */
  readonly fault: { readonly code: number; readonly message: string | RegExp } | null
  /** The task to blame, or the one that built. */
  readonly by: "build" | "rebuildSRPM" | "buildArch"
  /** What its logs on the hub say. */
  readonly says?: ReadonlyArray<readonly [log: string, text: string]>
  /** The packages that it has on the hub. */
  readonly packages?: ReadonlyArray<string>
  /** Whether it depends on the engine how this goes. */
  readonly engine?: true
}

const scratch = { scratch: true }
/** Without making the source package again first. */
const asItIs = { scratch: true, rebuild_srpm: false }

const buildError = (message: string) => ({ code: 1005, message })
/** kojid's sentence for a build that mock has failed. */
const building = (how: string) => buildError(`error building package (arch noarch), mock ${how}`)
const failedInside = building("exited with status 1; see build.log or root.log for more information")
const corrupted = (file: string, why: string) => {
  const url = `http://127\\.0\\.0\\.1:\\d+/kojifiles/work/cli-build/[^ ]+/${file}`
  return { code: 1000, message: new RegExp(`^Downloaded rpm ${url} is corrupted:\n${why}$`) }
}

const good = (directory: string) => behaving(directory, "plain", "true")
const changing = (name: string, change: (bytes: Buffer) => Uint8Array) => (directory: string) =>
  Effect.flatMap(good(directory), (file) => changed(file, name, change))

const noRpm = changing("text-1.0-1.src.rpm", () => Buffer.from("no package\n"))
const cutInPayload = changing("cut-1.0-1.src.rpm", (bytes) =>
  bytes.subarray(0, (payloadOffset(bytes) + bytes.length) / 2)
)
const cutInHeader = changing("short-1.0-1.src.rpm", (bytes) => bytes.subarray(0, 1000))
const noSpec = (directory: string) =>
  sourcePackage(directory, {
    ...{ spec: "behaviour.spec", as: "behaviour.text", words: { NAME: "specless", REQUIRES: "" } },
    sources: [{ name: "build.sh", text: "true" }]
  })
/** The one that sorts first is not the one that rpm has made the package by. */
const twoSpecs = (directory: string) =>
  sourcePackage(directory, {
    ...{ spec: "behaviour.spec", words: { NAME: "twospecs", REQUIRES: "Source1: another.spec" } },
    sources: [
      { name: "build.sh", text: "echo the right spec" },
      { name: "another.spec", text: "Name: another\n" }
    ]
  })

const damaged: ReadonlyArray<BadBuild> = [
  {
    what: "a source package that is no RPM",
    ...{
      source: noRpm,
      options: scratch,
      by: "rebuildSRPM",
      fault: corrupted("text-1.0-1.src.rpm", "not an RPM file \\(byte 0\\)")
    }
  },
  {
    what: "a source package that is no RPM and is taken as it is",
    ...{
      source: noRpm,
      options: asItIs,
      by: "build",
      fault: corrupted("text-1.0-1.src.rpm", "not an RPM file \\(byte 0\\)")
    }
  },
  {
    what: "a source package whose header is cut short",
    ...{ source: cutInHeader, options: scratch, by: "rebuildSRPM" },
    fault: corrupted("short-1.0-1.src.rpm", "cut short, \\d+ bytes are needed \\(byte 1000\\)")
  },
  {
    what: "a source package whose payload is cut short",
    ...{ source: cutInPayload, options: scratch, by: "rebuildSRPM", fault: buildError("No spec file found") },
    says: [["root.log", "cpio: read failed"]]
  },
  {
    what: "a source package whose payload is cut short and that is taken as it is",
    ...{ source: cutInPayload, options: asItIs, by: "buildArch" },
    fault: building("exited with status 40; see root.log for more information"),
    says: [
      ["root.log", "cpio: read failed"],
      ["build.log", "Child return code was: 1"]
    ]
  },
  {
    what: "a source package with no spec",
    ...{ source: noSpec, options: scratch, by: "rebuildSRPM", fault: buildError("No spec file found") }
  },
  {
    what: "a source package with no spec that is taken as it is",
    ...{ source: noSpec, options: asItIs, by: "buildArch" },
    fault: building("exited with status 40; see root.log for more information (no spec file in the source package)"),
    says: [["root.log", "no spec file in the source package"]]
  },
  {
    what: "a source package with another package's spec among its sources",
    ...{ source: twoSpecs, options: scratch, by: "buildArch", fault: null },
    says: [["build.log", "\nthe right spec\n"]]
  }
]

const failing = ["prep", "build", "install", "check"].map(
  (section): BadBuild => ({
    what: `a failing %${section}`,
    source: (directory) => sourcePackage(directory, { spec: "failing.spec", words: { SECTION: section } }),
    ...{ options: scratch, by: "buildArch", fault: failedInside },
    says: [
      ["build.log", `\nthis was %${section}\n`],
      ["build.log", `Bad exit status from`],
      ["build.log", "Child return code was: 1"]
    ]
  })
)

const doing = (name: string, script: string, requires: ReadonlyArray<string> = []) => ({
  source: (directory: string) => behaving(directory, name, script, requires),
  options: scratch,
  by: "buildArch" as const
})

/** Tries to write wherever it might be able to, and says where it could. */
const tries = `for place in / /etc /usr /run /run/adjutant /builddir /builddir/build/BUILD /tmp /var/tmp; do
  touch $place/tried 2>/dev/null && echo "open: $place" || echo "closed: $place"
done
id -u`

const requiring: ReadonlyArray<BadBuild> = [
  {
    what: "a requirement that nobody provides",
    ...doing("wanting", "true", ["nobody-has-this >= 3"]),
    fault: building("exited with status 30; see root.log for more information"),
    says: [["root.log", "No matching package to install: 'nobody-has-this >= 3'"]]
  },
  {
    what: "a requirement that owns files which the engine mounts",
    ...doing("hosted", "cat /usr/share/owns-hostname/word && rpm -q owns-hostname && rpm -V owns-hostname", [
      "owns-hostname"
    ]),
    ...{ fault: null, engine: true },
    says: [["build.log", "\npackaged\nowns-hostname-1.0-1.noarch\n"]]
  },
  {
    what: "a requirement with file capabilities",
    ...doing("capabilities", "rpm -V capable && echo they are there", ["capable"]),
    ...{ fault: null, engine: true },
    says: [["build.log", "\nthey are there\n"]]
  },
  {
    what: "a requirement whose scriptlet writes where it may and where it may not, and a build that does the same",
    ...doing("curious", tries, ["prying"]),
    ...{ fault: null, engine: true },
    says: [
      ["root.log", "CLOSED: /run/adjutant/packages is read-only\nCLOSED: /run/adjutant/packages/rpms is read-only\n"],
      ["root.log", "OPEN: /run/adjutant/out is writable"],
      [
        "build.log",
        "closed: /\nclosed: /etc\nclosed: /usr\nclosed: /run\nclosed: /run/adjutant\n" +
          "open: /builddir\nopen: /builddir/build/BUILD\nopen: /tmp\nopen: /var/tmp\n1000\n"
      ]
    ]
  }
]

const greedy: ReadonlyArray<BadBuild> = [
  {
    what: "a build that writes a gigabyte of log",
    ...doing("loud", "head -c 1073741824 /dev/zero | tr '\\0' x | fold -w 100"),
    fault: building("was killed by signal 9; see root.log for more information (log limit of 8388608 bytes reached)"),
    says: [
      ["build.log", "\nERROR adjutant:  log limit of 8388608 bytes reached\n"],
      ["root.log", "log limit of 8388608 bytes reached; what it wrote until then is in build.log"]
    ],
    engine: true
  },
  {
    what: "a build that forks without end",
    ...doing("fertile", "while :; do sleep 600 & done"),
    ...{ fault: failedInside, engine: true },
    says: [["build.log", "ERROR adjutant:  the limit of 256 processes was reached"]]
  },
  {
    what: "a build that eats memory",
    ...doing("hungry", `perl -e '$x .= "x" x 10000000 while 1'`),
    fault: building(
      "was killed by signal 9; see root.log for more information (memory limit of 1073741824 bytes reached)"
    ),
    says: [["root.log", "memory limit of 1073741824 bytes reached"]],
    engine: true
  },
  {
    what: "a build that leaves a daemon behind, which holds its output open",
    ...doing("haunted", "(setsid sh -c 'sleep 3000 & exit' &); echo left behind"),
    ...{ fault: null, engine: true },
    says: [["build.log", "\nleft behind\n"]]
  }
]

const results = "/builddir/build/RPMS"
const planted = `cd ${results}
ln -s /etc/passwd link-1-1.noarch.rpm
mkfifo fifo-1-1.noarch.rpm
mknod device-1-1.noarch.rpm c 1 3 || echo no device
echo text >text-1-1.noarch.rpm
mkdir directory-1-1.noarch.rpm`
/** Makes a package inside, and passes it off as another. */
const disguised = `mkdir inner; cd inner
printf 'Name: inner\\nVersion: 1\\nRelease: 1\\nSummary: x\\nLicense: x\\nBuildArch: noarch\\n%%description\\n%%files\\n' >inner.spec
rpmbuild -bb --define "_topdir $PWD" inner.spec
cp RPMS/noarch/inner-1-1.noarch.rpm ${results}/contradicts-9-9.noarch.rpm || cp RPMS/*.rpm ${results}/contradicts-9-9.noarch.rpm`

const deceiving: ReadonlyArray<BadBuild> = [
  {
    what: "a build that plants links, FIFOs and devices among its results",
    ...doing("planting", planted),
    ...{ fault: null, engine: true },
    says: [
      ["build.log", "\nno device\n"],
      ["root.log", "unexpected among the results: link-1-1.noarch.rpm is not a regular file"],
      ["root.log", "unexpected among the results: fifo-1-1.noarch.rpm is not a regular file"],
      ["root.log", "unexpected among the results: text-1-1.noarch.rpm: not an RPM file (byte 0)"]
    ],
    packages: ["planting-1.0-1.noarch.rpm", "planting-1.0-1.src.rpm"]
  },
  {
    what: "a build that has its results sought elsewhere",
    ...doing("leading", ""),
    source: (directory) => {
      const loot = join(directory, "loot")
      return behaving(directory, "leading", `mkdir -p ${loot}; rm -rf ${results}; ln -s ${loot} ${results}`)
    },
    fault: building(
      "exited with status 40; see root.log for more information (build/RPMS is a link: nothing is taken from it)"
    ),
    says: [["root.log", "build/RPMS is a link: nothing is taken from it"]],
    packages: []
  },
  {
    what: "a package whose name contradicts its header",
    ...{ ...doing("contradicts", disguised), options: {}, by: "build" },
    fault: { code: 1000, message: "bad filename: contradicts-9-9.noarch.rpm (expected inner-1-1.noarch.rpm)" }
  }
]

export const badBuilds: ReadonlyArray<BadBuild> = [...damaged, ...failing, ...requiring, ...greedy, ...deceiving]

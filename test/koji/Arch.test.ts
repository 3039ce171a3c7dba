import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  anyArches,
  canonicalArch,
  chooseBuildArches,
  findArchChoices,
  hostCheckPasses,
  is32Bit,
  parseArches,
  type SourceArches,
  targetArch,
  taskArchChoices
} from "../../src/koji/Arch.ts"
import type { KojiFault } from "../../src/koji/Fault.ts"

const told = <A>(result: Result.Result<A, KojiFault>): A | string =>
  Result.match(result, {
    onSuccess: (value): A | string => value,
    onFailure: ({ code, message }) => `${code}: ${message}`
  })

const tag = { id: 12, name: "f40-build", arches: "x86_64 i686 aarch64 s390x" }
const source = (given: Partial<SourceArches>): SourceArches => ({ ...anyArches, ...given })
const chosen = (given: Partial<SourceArches>, extra: string | null = null, override: string | null = null) =>
  told(chooseBuildArches(tag, source(given), extra, override))

describe("the canonical arch", () => {
  it("is the table's (daemon.md 9.1)", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["i386", "i386"],
      ["i686", "i386"],
      ["i86", "i86"],
      ["i6866", "i6866"],
      ["athlon", "i386"],
      ["ia32e", "x86_64"],
      ["ppc64le", "ppc64le"],
      ["ppc64", "ppc64"],
      ["ppc64p7", "ppc64"],
      ["ppc", "ppc"],
      ["sparc64v", "sparc64"],
      ["sparcv9", "sparc"],
      ["alphaev6", "alpha"],
      ["armv7hl", "armhfp"],
      ["armv7hnl", "armhfp"],
      ["armhfp", "armhfp"],
      ["armv5tel", "arm"],
      ["arm64", "arm"],
      ["aarch64", "aarch64"],
      ["x86_64", "x86_64"],
      ["x86_64_v2", "x86_64_v2"],
      ["amd64", "amd64"],
      ["geode", "geode"],
      ["s390x", "s390x"],
      ["riscv64", "riscv64"],
      ["noarch", "noarch"],
      ["src", "src"]
    ]
    for (const [arch, canonical] of table) assert.strictEqual(canonicalArch(arch), canonical, arch)
  })

  it("is canonical already", () => {
    for (const arch of ["i386", "x86_64", "ppc64le", "ppc64", "sparc64", "sparc", "alpha", "armhfp", "arm", "noarch"]) {
      assert.strictEqual(canonicalArch(canonicalArch(arch)), canonicalArch(arch))
    }
  })
})

describe("a list of arches", () => {
  it("is apart by blanks or commas", () => {
    assert.deepStrictEqual(told(parseArches(" x86_64,ppc64le  i686 ")), ["x86_64", "ppc64le", "i686"])
    assert.deepStrictEqual(told(parseArches("")), [])
    assert.strictEqual(told(parseArches("x86_64 ../i686")), "1000: Architecture can be only [a-zA-Z0-9_-]")
  })
})

describe("the arches a package is built for", () => {
  it("are the tag's and the package's own, as far as the tag's allow them", () => {
    assert.deepStrictEqual(chosen({}), ["x86_64", "i686", "aarch64", "s390x"])
    assert.deepStrictEqual(chosen({}, "i586 ppc64le"), ["x86_64", "i686", "aarch64", "s390x", "i586"])
  })

  const cases: ReadonlyArray<
    readonly [what: string, given: Partial<SourceArches>, expected: ReadonlyArray<string> | string]
  > = [
    ["BuildArch: noarch", { buildArchs: ["noarch"] }, ["noarch"]],
    ["BuildArch: noarch, ExclusiveArch: x86_64", { buildArchs: ["noarch"], exclusiveArch: ["x86_64"] }, ["noarch"]],
    [
      "BuildArch: noarch, ExclusiveArch: x86_64 noarch",
      { buildArchs: ["noarch"], exclusiveArch: ["x86_64", "noarch"] },
      ["noarch"]
    ],
    [
      "BuildArch: noarch, ExcludeArch: noarch",
      { buildArchs: ["noarch"], excludeArch: ["noarch"] },
      "1005: No matching arches were found"
    ],
    ["BuildArch: noarch, ExcludeArch: s390x", { buildArchs: ["noarch"], excludeArch: ["s390x"] }, ["noarch"]],
    ["BuildArch: x86_64 noarch", { buildArchs: ["x86_64", "noarch"] }, ["x86_64", "noarch"]],
    ["ExclusiveArch: x86_64", { exclusiveArch: ["x86_64"] }, ["x86_64"]],
    ["ExclusiveArch: x86_64 noarch", { exclusiveArch: ["x86_64", "noarch"] }, ["x86_64", "noarch"]],
    [
      "ExclusiveArch: i386, which is not the literal i686",
      { exclusiveArch: ["i386"] },
      "1005: No matching arches were found"
    ],
    [
      "ExclusiveArch: x86_64 aarch64, ExcludeArch: aarch64",
      { exclusiveArch: ["x86_64", "aarch64"], excludeArch: ["aarch64"] },
      ["x86_64"]
    ],
    ["ExcludeArch: i686 s390x", { excludeArch: ["i686", "s390x"] }, ["x86_64", "aarch64"]],
    [
      "ExcludeArch: x86_64 i686 aarch64 s390x",
      { excludeArch: ["x86_64", "i686", "aarch64", "s390x"] },
      "1005: No matching arches were found"
    ],
    [
      "ExclusiveArch: noarch, ExcludeArch: noarch",
      { exclusiveArch: ["noarch"], excludeArch: ["noarch"] },
      "1005: No matching arches were found"
    ],
    ["BuildArch: i586 ppc, one of which the tag does not have", { buildArchs: ["i586", "ppc"] }, ["i586"]]
  ]
  for (const [what, given, expected] of cases)
    it(`${what}: ${expected}`, () => assert.deepStrictEqual(chosen(given), expected))

  it("are a scratch build's own choice, if it has one", () => {
    assert.deepStrictEqual(chosen({ buildArchs: ["noarch"] }, null, "aarch64 ppc aarch64"), ["aarch64"])
    assert.deepStrictEqual(chosen({ buildArchs: ["noarch"] }, null, ""), ["noarch"])
  })

  it("need a tag that has some", () => {
    for (const arches of ["", null]) {
      assert.strictEqual(
        told(chooseBuildArches({ ...tag, arches }, anyArches, "x86_64", null)),
        "1005: No arches for tag f40-build [12]"
      )
    }
  })
})

describe("the arch a subtask asks for", () => {
  const choices = (
    arch: string,
    given: Partial<SourceArches>,
    noarchArches: string | null = null,
    literal: ReadonlyArray<string> = []
  ) => told(taskArchChoices(arch, source(given), { arches: "x86_64 i686 aarch64", noarchArches }, literal))

  it("is canonical, unless the operator wants it literally", () => {
    assert.strictEqual(choices("i686", {}), "i386")
    assert.strictEqual(choices("i686", {}, null, ["i?86"]), "i686")
    assert.strictEqual(choices("noarch", { excludeArch: ["x86_64"] }, null, ["no*"]), "noarch")
  })

  it("is any for noarch, as long as no arch of the tag is ruled out", () => {
    assert.strictEqual(choices("noarch", {}), "noarch")
    assert.strictEqual(choices("noarch", { excludeArch: ["s390x"] }), "noarch")
    assert.strictEqual(choices("noarch", { exclusiveArch: ["x86_64", "i386", "aarch64", "noarch"] }), "noarch")
    assert.deepStrictEqual(choices("noarch", { excludeArch: ["i686"] }), ["x86_64", "aarch64"])
    assert.deepStrictEqual(choices("noarch", { exclusiveArch: ["aarch64", "noarch"] }), ["aarch64"])
    assert.deepStrictEqual(choices("noarch", {}, "aarch64 ppc64le"), ["aarch64"])
    assert.strictEqual(choices("noarch", {}, "aarch64 x86_64 i386"), "noarch")
  })

  it("is none when all are ruled out", () => {
    assert.strictEqual(
      choices("noarch", { exclusiveArch: ["s390x"], excludeArch: ["i686"] }, "aarch64"),
      "1005: No valid arches were found. tag ['x86_64', 'i386', 'aarch64'], extra 'aarch64',exclusive ['s390x'], exclude ['i386']"
    )
    assert.strictEqual(
      choices("noarch", { exclusiveArch: ["s390x"] }),
      "1005: No valid arches were found. tag ['x86_64', 'i386', 'aarch64'], extra None,exclusive ['s390x'], exclude []"
    )
  })
})

describe("the arch a task runs for on a host", () => {
  const host = { name: "builder1", arches: "i686 x86_64" }
  const find = (
    arch: string,
    preferred: string | null = null,
    hostArches: string | null = host.arches,
    tagArches: string | null = "x86_64 i386 s390x"
  ) => told(findArchChoices(arch, { ...host, arches: hostArches }, { name: "t", arches: tagArches }, preferred))

  it("is its own, or any that host and tag share", () => {
    assert.deepStrictEqual(find("armhfp"), ["armhfp"])
    assert.deepStrictEqual(find("noarch"), ["i386", "x86_64"])
    assert.deepStrictEqual(find("noarch", "x86_64"), ["x86_64"])
    assert.deepStrictEqual(find("noarch", "s390x"), ["i386", "x86_64"])
  })

  it("fails in kojid's words when there is none", () => {
    assert.strictEqual(find("noarch", null, null), "1005: No arch list for this host: builder1")
    assert.strictEqual(find("noarch", null, "x86_64", ""), "1005: No arch list for tag: t")
    assert.strictEqual(
      find("noarch", null, "x86_64 i686", "s390x aarch64"),
      "1005: host builder1 (i386, x86_64) does not support any arches of tag t (aarch64, s390x)"
    )
  })

  it("is checked literally before a task is taken", () => {
    assert.isTrue(hostCheckPasses("x86_64 i386", "i686"))
    assert.isFalse(hostCheckPasses("x86_64 i686", "i686"))
    assert.isTrue(hostCheckPasses("x86_64", ""))
    assert.isTrue(hostCheckPasses("x86_64", null))
    assert.isFalse(hostCheckPasses(null, "x86_64"))
  })
})

describe("what rpm builds for", () => {
  it("is the arch, but for one that autoconf does not know", () => {
    assert.strictEqual(targetArch("armhfp"), "armv7hl")
    assert.strictEqual(targetArch("i686"), "i686")
    assert.isTrue(is32Bit("i686"))
    assert.isTrue(is32Bit(targetArch("armhfp")))
    assert.isFalse(is32Bit("x86_64"))
    assert.isFalse(is32Bit("noarch"))
  })
})

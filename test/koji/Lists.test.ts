import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { mockExited, mockSentence } from "../../src/koji/FailureText.ts"
import type { KojiFault } from "../../src/koji/Fault.ts"
import { markExternal, originLocation, parseOrigins } from "../../src/koji/Origins.ts"
import { type PackageEntry, packageQueryFormat, packagesMax, parsePackageList } from "../../src/koji/PackageList.ts"
import { mapInternal, parseRpmList, recordsByName } from "../../src/koji/RpmList.ts"

const hash = "0f".repeat(16)
const bash: PackageEntry = {
  name: "bash",
  version: "5.2.26",
  release: "3.fc40",
  epoch: null,
  arch: "x86_64",
  payloadhash: hash,
  size: 8_544_034,
  buildtime: 1_707_223_344
}
const line = (...fields: ReadonlyArray<string | number>) => `${fields.join("\t")}\n`
const problem = <A>(result: Result.Result<A, { readonly message: string }>) =>
  Result.isFailure(result) ? result.failure.message : "fine"
const told = <A>(result: Result.Result<A, KojiFault>): A | string =>
  Result.match(result, {
    onSuccess: (value): A | string => value,
    onFailure: ({ code, message }) => `${code}: ${message}`
  })

describe("the list of installed packages", () => {
  it("is read as rpm prints it, keys and fakes left out", () => {
    const text =
      line("bash", "5.2.26", "3.fc40", "(none)", "x86_64", hash, 8_544_034, 1_707_223_344) +
      line("gpg-pubkey", "a15b79cc", "63d04c2c", "(none)", "(none)", "(none)", 0, 1_674_595_372) +
      line("buildsys-build", "1", "1", "(none)", "noarch", "(none)", 0, 0) +
      line("openssl", "3", "1", 1, "x86_64", hash, 5_000_000_000, 1)
    const entries = Result.getOrThrow(parsePackageList(text))
    assert.deepStrictEqual(entries[0], bash)
    assert.deepStrictEqual(
      entries.map(({ name, epoch, size }) => [name, epoch, size]),
      [
        ["bash", null, 8_544_034],
        ["openssl", 1, 5_000_000_000]
      ]
    )
    assert.deepStrictEqual(Result.getOrThrow(parsePackageList("")), [])
  })

  it("is refused with the line that is wrong", () => {
    const good = line("bash", "5", "1", "(none)", "noarch", hash, 1, 1)
    const cases = [
      [`${good}\n${good}`, "line 2 of the package list: 8 fields"],
      [good + line("a", "1", "1", "(none)", "noarch", hash, 1), "line 2"],
      [line("a", "1", "1", "x", "noarch", hash, 1, 1), "the epoch of a-1-1.noarch is not a number: x"],
      [line("a", "1", "1", 0, "noarch", hash, -1, 1), "the size of a-1-1.noarch is not a number: -1"],
      [line("a", "1", "1", 0, "noarch", hash, 1, "(none)"), "the build time of a-1-1.noarch"],
      [line("a", "1", "1", 0, "noarch", "(none)", 1, 1), "a-1-1.noarch has no MD5 signature"],
      [line("", "1", "1", 0, "noarch", hash, 1, 1), "name, version or release is empty"],
      ["\n".repeat(packagesMax + 1), `more than ${packagesMax} installed packages`]
    ] as const
    for (const [text, message] of cases) assert.include(problem(parsePackageList(text)), message)
  })

  it("is what rpm makes of the query format", { skip: !existsSync("/usr/bin/rpm") }, () => {
    const rpms = new URL("../fixtures/rpms/", import.meta.url).pathname
    const output = execFileSync("rpm", ["-qp", "--qf", packageQueryFormat, `${rpms}adjutant-sample-1.0-1.x86_64.rpm`])
    const [entry] = Result.getOrThrow(parsePackageList(output.toString()))
    assert.deepStrictEqual([entry?.name, entry?.epoch, entry?.buildtime], ["adjutant-sample", 2, 1_700_000_000])
  })
})

describe("packages from outside", () => {
  const mirror = { external_repo_id: 9, url: "https://mirror/$arch/os/", priority: 5 }
  const repo = { id: 7, arch: "x86_64", external: [mirror] }
  const origins = (url: string) => Result.getOrThrow(parseOrigins(`0:bash-5.2.26-3.fc40.x86_64\t${url}\n\nodd\n`))

  it("are located by the URL they came from", () => {
    assert.deepStrictEqual(told(markExternal([bash], origins("https://mirror/x86_64/os/"), repo)), [
      { ...bash, external_repo: mirror, location: 9 }
    ])
  })

  it("are told from the tag's own", () => {
    assert.deepStrictEqual(told(markExternal([bash], origins("file:///var/tmp/x/repo_7_premerge/"), repo)), [bash])
  })

  it("are refused when nobody knows where they came from", () => {
    assert.strictEqual(told(markExternal([bash], new Map(), repo)), "1005: No origin for bash-5.2.26-3.fc40.x86_64")
    for (const url of ["file:///x/repo_8_premerge/", "https://x/repo_7_premerge/", "https://mirror/aarch64/os/"]) {
      assert.strictEqual(
        told(markExternal([bash], origins(url), repo)),
        `1005: Unknown origin for bash-5.2.26-3.fc40.x86_64: ${url}`
      )
    }
    assert.isTrue(Result.isFailure(parseOrigins("nonsense http://x")))
  })

  it("are listed where repomd.xml says", () => {
    const data = (type: string, href: string) =>
      `<data type="${type}"><checksum type="sha256">x</checksum><location href="${href}"/></data>`
    const repomd = `<repomd>${data("primary", "repodata/p.gz")}${data("origin", "repodata/o.gz")}</repomd>`
    assert.strictEqual(originLocation(repomd), "repodata/o.gz")
    assert.isUndefined(originLocation(`<repomd>${data("primary", "repodata/p.gz")}</repomd>`))
    assert.isUndefined(originLocation("<data type='origin'>".repeat(10_000)))
  })
})

describe("packages of the hub's own", () => {
  const record = { id: 38, name: "bash", version: "5.2.26", release: "3.fc40", arch: "x86_64", payloadhash: hash }

  it("are known by the id in the repository's list", () => {
    const records = Result.getOrThrow(parseRpmList(`${JSON.stringify({ ...record, draft: true, epoch: null })}\n`))
    const zlib = { ...bash, name: "zlib" }
    const outside = { ...bash, location: 9 }
    assert.deepStrictEqual(Result.getOrThrow(mapInternal([bash, zlib, outside], records)), {
      packages: [{ ...bash, id: 38 }, zlib, outside],
      unlisted: ["zlib-5.2.26-3.fc40.x86_64"]
    })
  })

  it("are refused when they are not what is listed", () => {
    const other = "aa".repeat(16)
    assert.strictEqual(
      told(mapInternal([bash], recordsByName([{ ...record, payloadhash: other }]))),
      `1012: RPM: bash-5.2.26-3.fc40.x86_64: payloadhash: ${hash} mismatch expected ${other} in rpmlist.jsonl`
    )
  })

  it("come from a list that says where it is broken", () => {
    assert.include(problem(parseRpmList(`${JSON.stringify(record)}\n{"id":`)), "rpmlist.jsonl, line 2:")
    assert.include(problem(parseRpmList('{"id": 1}')), "rpmlist.jsonl, line 1:")
  })
})

describe("what mock would have said", () => {
  it("is kojid's sentence", () => {
    assert.strictEqual(mockExited(1), "mock exited with status 1")
    const exited = (status: number, detail?: string) => mockSentence({ _tag: "Exited", status }, detail)
    assert.strictEqual(exited(1), "mock exited with status 1; see build.log or root.log for more information")
    assert.strictEqual(exited(10), "mock exited with status 10; see build.log for more information")
    assert.strictEqual(exited(30), "mock exited with status 30; see root.log for more information")
    assert.strictEqual(
      exited(11, "no output for 5 seconds"),
      "mock exited with status 11; see root.log for more information (no output for 5 seconds)"
    )
    assert.strictEqual(
      mockSentence({ _tag: "Signaled", signal: 9 }),
      "mock was killed by signal 9; see root.log for more information"
    )
    assert.strictEqual(
      mockSentence({ _tag: "Unknown" }, "", "mock_output.log"),
      "mock terminated for unknown reasons; see mock_output.log for more information"
    )
  })
})

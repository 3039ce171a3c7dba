import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { noarchContent, noarchHash, renderNoarchDiff } from "../../src/koji/RpmDiff.ts"
import { filesOf } from "../../src/koji/RpmFiles.ts"
import {
  fileArch,
  headerBytesNeeded,
  headerFileName,
  parseRpmHeader,
  type RpmDependency
} from "../../src/koji/RpmHeader.ts"
import { headerOf, int32, int64, strings, text } from "./rpm.ts"

const folder = join(import.meta.dirname, "../fixtures/rpms")
const packages = readdirSync(folder).filter((name) => name.endsWith(".rpm"))
const bytesOf = (name: string): Uint8Array => readFileSync(join(folder, name))

const Rows = Schema.Array(Schema.Array(Schema.String))
const Description = Schema.Struct({
  ...Schema.Struct({
    NAME: Schema.String,
    VERSION: Schema.String,
    RELEASE: Schema.String,
    EPOCH: Schema.String,
    ARCH: Schema.String,
    SOURCERPM: Schema.String,
    PACKAGER: Schema.String,
    VENDOR: Schema.String,
    DISTRIBUTION: Schema.String,
    SUMMARY: Schema.String,
    DESCRIPTION: Schema.String,
    GROUP: Schema.String,
    LICENSE: Schema.String,
    URL: Schema.String,
    BUILDTIME: Schema.String,
    LONGSIZE: Schema.String,
    SIGMD5: Schema.String,
    SOURCEPACKAGE: Schema.String
  }).fields,
  BUILDARCHS: Schema.Array(Schema.String),
  EXCLUSIVEARCH: Schema.Array(Schema.String),
  EXCLUDEARCH: Schema.Array(Schema.String),
  REQUIRE: Rows,
  PROVIDE: Rows,
  CONFLICT: Rows,
  OBSOLETE: Rows,
  FILES: Rows,
  NOARCHHASH: Schema.NullOr(Schema.String)
})
const expected = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Description)))(
  readFileSync(join(folder, "expected.json"), "utf8")
)

const said = (value: string | number | null): string => (value === null ? "(none)" : String(value))
const rows = (list: ReadonlyArray<RpmDependency>) =>
  list.map(({ name, flags, version }) => [name, String(flags), version])
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex")

describe("an RPM header", () => {
  for (const name of packages) {
    it(`of ${name} says what rpm says`, () => {
      const header = Result.getOrThrow(parseRpmHeader(bytesOf(name)))
      const files = Result.getOrThrow(filesOf(header))
      assert.deepStrictEqual(
        {
          NAME: header.name,
          VERSION: header.version,
          RELEASE: header.release,
          EPOCH: said(header.epoch),
          ARCH: header.arch,
          SOURCERPM: said(header.sourceRpm),
          PACKAGER: said(header.packager),
          VENDOR: said(header.vendor),
          DISTRIBUTION: said(header.distribution),
          SUMMARY: said(header.summary),
          DESCRIPTION: said(header.description),
          GROUP: said(header.group),
          LICENSE: said(header.license),
          URL: said(header.url),
          BUILDTIME: said(header.buildTime),
          LONGSIZE: said(header.size),
          SIGMD5: said(header.sigMd5),
          SOURCEPACKAGE: header.isSource ? "1" : "(none)",
          BUILDARCHS: header.buildArchs,
          EXCLUSIVEARCH: header.exclusiveArch,
          EXCLUDEARCH: header.excludeArch,
          REQUIRE: rows(header.requires),
          PROVIDE: rows(header.provides),
          CONFLICT: rows(header.conflicts),
          OBSOLETE: rows(header.obsoletes),
          FILES: files.map((file) => [
            file.path,
            String(file.size),
            file.mode.toString(8),
            String(file.modificationTime),
            String(file.flags),
            file.user,
            file.group,
            file.digest,
            file.linkTarget
          ]),
          NOARCHHASH:
            header.arch === "noarch" && !header.isSource ? Result.getOrThrow(noarchHash(header, sha256)) : null
        },
        expected[name]
      )
      assert.strictEqual(headerFileName(header), name)
    })

    it(`of ${name} is had in three fetches, without the payload`, () => {
      const file = bytesOf(name)
      let prefix = file.subarray(0, 0)
      let fetches = 0
      for (;;) {
        const needed = Result.getOrThrow(headerBytesNeeded(prefix))
        if (needed <= prefix.length) break
        prefix = file.subarray(0, needed)
        fetches += 1
      }
      assert.isAtMost(fetches, 3)
      assert.isBelow(prefix.length, file.length)
      assert.strictEqual(Result.getOrThrow(parseRpmHeader(prefix)).name, expected[name]?.NAME)
    })
  }

  it("is there for every package that is described", () => {
    assert.deepStrictEqual(packages.toSorted(), Object.keys(expected).toSorted())
  })

  it("tells sizes beyond 4 GiB, and a missing epoch from 0", () => {
    const tags = {
      1000: text("a"),
      1001: text("1"),
      1002: text("2"),
      1022: text("noarch"),
      1044: text("a-1-2.src.rpm")
    }
    const big = Result.getOrThrow(parseRpmHeader(headerOf({ ...tags, 5009: int64(2n ** 40n) })))
    assert.strictEqual(big.size, 2 ** 40)
    assert.isNull(big.epoch)
    assert.isNull(big.sigMd5)
    assert.strictEqual(Result.getOrThrow(parseRpmHeader(headerOf({ ...tags, 1003: int32(0) }))).epoch, 0)
  })

  it("of a package of old, without SOURCERPM, is a source package's", () => {
    const tags = { 1000: text("a"), 1001: text("1"), 1002: text("2"), 1022: text("i386") }
    assert.strictEqual(fileArch(Result.getOrThrow(parseRpmHeader(headerOf(tags)))), "src")
  })

  it("that is none says why, and where", () => {
    const tags = { 1000: text("a"), 1001: text("1"), 1002: text("2"), 1022: text("noarch") }
    const good = headerOf(tags)
    const reason = (bytes: Uint8Array) => {
      const result = parseRpmHeader(bytes)
      return Result.isFailure(result) ? `${result.failure.reason}: ${result.failure.message}` : "fine"
    }
    assert.strictEqual(reason(new TextEncoder().encode("<html>not here</html>")), "not-rpm: not an RPM file (byte 0)")
    assert.strictEqual(reason(good.subarray(0, 50)), "cut-short: cut short, 112 bytes are needed (byte 50)")
    assert.strictEqual(
      reason(good.subarray(0, good.length - 1)),
      `cut-short: cut short, ${good.length} bytes are needed (byte ${good.length - 1})`
    )
    assert.strictEqual(
      reason(headerOf({ ...tags, 1022: int32(1) })).split(" (")[0],
      "damaged: tag 1022 has the wrong type: 4"
    )
    assert.strictEqual(reason(headerOf({ 1000: text("a") })).split(" (")[0], "damaged: the header has no version")
    assert.match(reason(headerOf({ ...tags, 1049: strings(["b"]) })), /damaged: 1 requires, but 0 flags, 0 versions/)
    const bomb = { type: 8, count: 2_000_000, bytes: new Uint8Array(2_000_000) }
    assert.match(reason(headerOf({ ...tags, 1049: bomb })), /too-large: tag 1049 has 2000000 items, at most 1000000/)
    // Two tags, each of which is nearly all of the store: as many as there may be would be more than memory holds.
    const sharing = headerOf({ ...tags, 5000: { type: 7, count: 64, bytes: new Uint8Array(64) }, 5001: int32() })
    const lastEntry = 96 + 2 * 16 + 5 * 16
    sharing.set(int32(5001, 7, 0, 64).bytes, lastEntry)
    assert.match(reason(sharing), /damaged: tag 5001 shares bytes with other tags/)
    sharing.set(int32(5001, 8, 0, 6).bytes, lastEntry)
    assert.match(reason(sharing), /damaged: tag 5001 shares bytes with other tags/)
    const huge = Uint8Array.from(good)
    huge.set([0xff, 0xff, 0xff, 0xff], 104)
    assert.match(reason(huge), /too-large: 4294967295 header entries, at most 65535/)
  })
})

describe("a noarch package's hash", () => {
  it("is over what may not differ: no size, time, link count or digest", () => {
    const header = Result.getOrThrow(parseRpmHeader(bytesOf("adjutant-sample-doc-1.0-1.noarch.rpm")))
    const content = Result.getOrThrow(noarchContent(header))
    assert.include(
      content,
      '"/usr/share/doc/sample/Pr\\u00fcfung": [null, 33188, null, 2, 0, 2, null, -1, -1, "root", "root", null]'
    )
    assert.include(content, '"PROVIDES": [["adjutant-sample-doc", 8, "2:1.0-1"]')
  })

  it("is written into a file by task and name, as Python indents it", () => {
    assert.strictEqual(
      renderNoarchDiff(7, { "b.noarch.rpm": "2", "a.noarch.rpm": "1" }),
      '{\n  "7": {\n    "a.noarch.rpm": "1",\n    "b.noarch.rpm": "2"\n  }\n}'
    )
  })
})

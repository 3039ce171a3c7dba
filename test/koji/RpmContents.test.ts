import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { contentsChanges, contentsDigest, contentsOf } from "../../src/koji/RpmContents.ts"
import { filesOf } from "../../src/koji/RpmFiles.ts"
import { parseRpmHeader, type RpmHeader } from "../../src/koji/RpmHeader.ts"
import { type Package, rpmFile } from "../hubsim/RpmFile.ts"

const headerOf = (bytes: Uint8Array): RpmHeader => Result.getOrThrow(parseRpmHeader(bytes))
const fixture = (name: string) => headerOf(readFileSync(join(import.meta.dirname, "../fixtures/rpms", name)))
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
const changes = (a: RpmHeader, b: RpmHeader) =>
  contentsChanges(Result.getOrThrow(contentsOf(a)), Result.getOrThrow(contentsOf(b)))
const digest = (header: RpmHeader) => Result.getOrThrow(contentsDigest(header, sha256))

const hello: Package = { name: "hello", version: "1", release: "1", arch: "x86_64", files: ["/usr/bin/hello"] }
const made = (change: Partial<Package> = {}) => headerOf(rpmFile({ ...hello, ...change }))

/** The header with another number in the place of the first of a tag. */
const changed = (
  header: RpmHeader,
  tag: number,
  value: number,
  write: "writeUInt32BE" | "writeUInt16BE" = "writeUInt32BE"
): RpmHeader => {
  const store = Buffer.from(header.entries.store)
  store[write](value, header.entries.index.get(tag)?.offset ?? assert.fail(`there is no tag ${tag}`))
  return { ...header, entries: { ...header.entries, store } }
}

const sample = fixture("adjutant-sample-1.0-1.x86_64.rpm")
const [buildTime, modificationTimes, modes] = [1006, 1034, 1030]

describe("what two packages differ in", () => {
  it("is nothing when they are the same", () => {
    assert.deepStrictEqual(changes(sample, sample), [])
    assert.strictEqual(digest(made()), digest(made()))
  })

  it("is nothing when only the times of their builds do", () => {
    const later = changed(changed(sample, buildTime, 1), modificationTimes, 1)
    assert.deepStrictEqual(changes(sample, later), [])
    assert.strictEqual(digest(later), digest(sample))
  })

  it("is a file that one of them does not have", () => {
    const more = made({ files: ["/usr/bin/hello", "/usr/share/hello"] })
    assert.deepStrictEqual(changes(made(), more), [
      { path: "/usr/share/hello", what: "file", before: null, after: "0 bytes" }
    ])
    assert.deepStrictEqual(changes(more, made()), [
      { path: "/usr/share/hello", what: "file", before: "0 bytes", after: null }
    ])
    assert.notStrictEqual(digest(more), digest(made()))
  })

  it("is what a file is and who may do what with it", () => {
    const { path, mode } = Result.getOrThrow(filesOf(sample))[0] ?? assert.fail()
    assert.deepStrictEqual(changes(sample, changed(sample, modes, 0o100600, "writeUInt16BE")), [
      { path, what: "mode", before: mode.toString(8), after: "100600" }
    ])
  })

  it("is what a package says of itself", () => {
    assert.deepStrictEqual(changes(made(), made({ requires: ["libc"] })), [
      { path: null, what: "requires", before: null, after: "libc" }
    ])
    assert.deepStrictEqual(changes(made({ requires: ["libc >= 2", "make"] }), made({ requires: ["make"] })), [
      { path: null, what: "requires", before: "libc >= 2", after: null }
    ])
    assert.notStrictEqual(digest(made({ requires: ["libc"] })), digest(made()))
    assert.notStrictEqual(digest(made({ epoch: 1 })), digest(made()))
  })

  it("is told of real packages by name, file by file", () => {
    const found = changes(
      fixture("adjutant-plain-0.1-3.adj.noarch.rpm"),
      fixture("adjutant-sample-doc-1.0-1.noarch.rpm")
    )
    assert.includeMembers(
      found.map(({ path, what }) => path ?? what),
      ["name", "version", "release"]
    )
  })
})

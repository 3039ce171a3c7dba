/** Package files made of nothing but a header: all of them that a hub reads. */
import { createHash } from "node:crypto"

export interface Package {
  readonly name: string
  readonly version: string
  readonly release: string
  /** `src` for a source package. */
  readonly arch: string
  readonly epoch?: number
  /** File name of the source package; a package's own name and version if not given. */
  readonly source?: string
  readonly summary?: string
  readonly requires?: ReadonlyArray<string>
  /** Absolute paths; in a source package plain names. */
  readonly files?: ReadonlyArray<string>
  readonly buildArchs?: ReadonlyArray<string>
  readonly exclusiveArch?: ReadonlyArray<string>
  readonly excludeArch?: ReadonlyArray<string>
  readonly packager?: string
  readonly vendor?: string
  readonly distribution?: string
}

type Entry = readonly [tag: number, type: number, count: number, data: Buffer]

const text = (tag: number, value: string): Entry => [tag, 6, 1, Buffer.from(`${value}\0`)]
const texts = (tag: number, values: ReadonlyArray<string>): Entry => [
  tag,
  8,
  values.length,
  Buffer.from(values.map((value) => `${value}\0`).join(""))
]
const ints = (tag: number, values: ReadonlyArray<number>): Entry => {
  const data = Buffer.alloc(4 * values.length)
  for (const [at, value] of values.entries()) data.writeUInt32BE(value, 4 * at)
  return [tag, 4, values.length, data]
}

const maybeText = (tag: number, value: string | undefined): ReadonlyArray<Entry> =>
  value === undefined ? [] : [text(tag, value)]
const maybeTexts = (tag: number, values: ReadonlyArray<string> | undefined): ReadonlyArray<Entry> =>
  values === undefined || values.length === 0 ? [] : [texts(tag, values)]

const listed = (files: ReadonlyArray<string>): ReadonlyArray<Entry> => {
  if (files.length === 0) return []
  const split = files.map((path) => path.lastIndexOf("/") + 1)
  const directories = [...new Set(files.map((path, at) => path.slice(0, split[at])))]
  const indexes = files.map((path, at) => directories.indexOf(path.slice(0, split[at])))
  return [
    ints(1116, indexes),
    texts(
      1117,
      files.map((path, at) => path.slice(split[at]))
    ),
    texts(1118, directories)
  ]
}

/** A header structure: its magic, an index of entries, and their data, integers aligned. */
const structure = (entries: ReadonlyArray<Entry>): Buffer => {
  const index: Array<Buffer> = []
  let store = Buffer.alloc(0)
  for (const [tag, type, count, data] of entries) {
    if (type === 4) store = Buffer.concat([store, Buffer.alloc((4 - (store.length % 4)) % 4)])
    const entry = Buffer.alloc(16)
    for (const [at, value] of [tag, type, store.length, count].entries()) entry.writeUInt32BE(value, 4 * at)
    index.push(entry)
    store = Buffer.concat([store, data])
  }
  const intro = Buffer.alloc(16)
  intro.writeUInt32BE(0x8eade801, 0)
  intro.writeUInt32BE(index.length, 8)
  intro.writeUInt32BE(store.length, 12)
  return Buffer.concat([intro, ...index, store])
}

export const rpmFile = (rpm: Package): Buffer => {
  const { name, version, release, arch, epoch, source, summary = "a package", requires = [] } = rpm
  const isSource = arch === "src"
  const header = structure([
    text(1000, name),
    text(1001, version),
    text(1002, release),
    ...(epoch === undefined ? [] : [ints(1003, [epoch])]),
    text(1004, summary),
    ints(1006, [1_700_000_000]),
    ints(1009, [0]),
    ...maybeText(1010, rpm.distribution),
    ...maybeText(1011, rpm.vendor),
    ...maybeText(1015, rpm.packager),
    text(1022, isSource ? "noarch" : arch),
    ...(isSource ? [ints(1106, [1])] : [text(1044, source ?? `${name}-${version}-${release}.src.rpm`)]),
    ...(requires.length === 0
      ? []
      : [
          ints(
            1048,
            requires.map(() => 0)
          ),
          texts(1049, requires),
          texts(
            1050,
            requires.map(() => "")
          )
        ]),
    ...maybeTexts(1059, rpm.excludeArch),
    ...maybeTexts(1061, rpm.exclusiveArch),
    ...maybeTexts(1089, rpm.buildArchs),
    ...listed(rpm.files ?? [])
  ])
  const lead = Buffer.alloc(96)
  lead.writeUInt32BE(0xedabeedb, 0)
  lead.writeUInt8(3, 4)
  const md5 = createHash("md5").update(header).digest()
  const signature = structure([[1004, 7, md5.length, md5]])
  const padding = Buffer.alloc((8 - (signature.length % 8)) % 8)
  return Buffer.concat([lead, signature, padding, header])
}

export const rpmName = ({ name, version, release, arch }: Package) => `${name}-${version}-${release}.${arch}.rpm`

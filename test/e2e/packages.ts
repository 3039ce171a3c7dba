/**
 * Packages for the whole system to chew on, made with the rpmbuild of this machine from the specs beside this file.
 * What a package is named, asks for and does is filled in here, so that one spec serves many cases.
 */
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Result } from "effect"
import { headerBytesNeeded } from "../../src/koji/RpmHeader.ts"

const execute = promisify(execFile)
const specs = join(import.meta.dirname, "specs")

interface Recipe {
  /** A file in `specs`. */
  readonly spec: string
  /** What stands for each `@WORD@` in it. */
  readonly words?: Readonly<Record<string, string>>
  /** Files beside the spec: from `specs`, or with this text. */
  readonly sources?: ReadonlyArray<string | { readonly name: string; readonly text: string }>
  /** Under which name the spec goes into the package. */
  readonly as?: string
}

/** Builds it (`-bs` or `-ba`) in a fresh directory below `directory`, which is returned. */
const rpmbuild = (directory: string, how: "-bs" | "-ba", recipe: Recipe) =>
  Effect.promise(async () => {
    await mkdir(directory, { recursive: true })
    const top = await mkdtemp(join(directory, "rpmbuild-"))
    await mkdir(join(top, "SOURCES"))
    let text = await readFile(join(specs, recipe.spec), "utf8")
    for (const [word, value] of Object.entries(recipe.words ?? {})) text = text.replaceAll(`@${word}@`, value)
    const spec = join(top, recipe.as ?? recipe.spec)
    await writeFile(spec, text)
    for (const source of recipe.sources ?? []) {
      if (typeof source === "string") await cp(join(specs, source), join(top, "SOURCES", source))
      else await writeFile(join(top, "SOURCES", source.name), source.text)
    }
    const quiet = ["--nodeps", "--define", `_topdir ${top}`, "--define", "_buildhost localhost"]
    await execute("rpmbuild", [how, ...quiet, spec])
    return top
  })

/** A source package; its path. */
export const sourcePackage = Effect.fnUntraced(function* (directory: string, recipe: Recipe) {
  const made = join(yield* rpmbuild(directory, "-bs", recipe), "SRPMS")
  const [name] = yield* Effect.promise(() => readdir(made))
  return join(made, name ?? "")
})

/** A noarch package to be had from the repository, as a directory that the hub can import. */
export const repositoryPackage = (directory: string, spec: string, words: Readonly<Record<string, string>> = {}) =>
  rpmbuild(directory, "-ba", { spec, words })

/** A source package whose `%build` runs this script. */
export const behaving = (
  directory: string,
  name: string,
  script: string,
  requires: ReadonlyArray<string> = []
): Effect.Effect<string> =>
  sourcePackage(directory, {
    spec: "behaviour.spec",
    words: { NAME: name, REQUIRES: requires.map((what) => `BuildRequires:  ${what}`).join("\n") },
    sources: [{ name: "build.sh", text: script }]
  })

/** Says what it is about, and goes on talking until there is a file `/builddir/go`. */
const untilTold = `echo waiting
count=0
while [ ! -e /builddir/go ]; do count=$((count + 1)); echo "tick $count"; sleep 0.2; done
echo gone on`

/** A source package whose build waits until the test lets it go on. */
export const waiting = (directory: string, name: string) => behaving(directory, name, untilTold)

/** One that waits and does not hear of signals. */
export const deaf = (directory: string, name: string) => behaving(directory, name, `trap '' HUP INT TERM\n${untilTold}`)

/** Where an RPM's payload begins. */
export const payloadOffset = (rpm: Uint8Array): number => {
  const needed = headerBytesNeeded(rpm)
  if (Result.isFailure(needed)) throw new Error(needed.failure.message)
  return needed.success
}

/** A copy of a file, changed, under another name. */
export const changed = (file: string, name: string, change: (bytes: Buffer) => Uint8Array) =>
  Effect.promise(async () => {
    const directory = await mkdtemp(join(file, "../../changed-"))
    const copy = join(directory, name)
    await writeFile(copy, change(await readFile(file)))
    return copy
  })

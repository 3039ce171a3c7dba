/**
 * What the scripts of src/buildroot (`Scripts.ts`, `RootScripts.ts`, `ResolveScripts.ts`) and the repository tools do, done by hand: the same files in the same
 * places, the same exit codes, no processes.
 *
 * A root file system is the list of its packages, as JSON; so is its rpm database, and so is each package file that is
 * downloaded. What there is to install is what the repository of the `yum.conf` at hand lists.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, Schema } from "effect"
import * as ResolveScripts from "../../src/buildroot/ResolveScripts.ts"
import * as RootScripts from "../../src/buildroot/RootScripts.ts"
import * as Scripts from "../../src/buildroot/Scripts.ts"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { label } from "../../src/engine/Labels.ts"
import type { MemoryProgram, MemoryRoot } from "../../src/engine/MemoryEngine.ts"
import { PackageEntry } from "../../src/koji/PackageList.ts"
import { forkScript } from "../../src/tasks/TestTasks.ts"
import { rpmName } from "../hubsim/RpmFile.ts"
import { builtFor, bytesOf, nvrOf, type Recipe, sourceFile, sourceName, sourceOf } from "./Packages.ts"

const decodeEntries = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(PackageEntry)))
const decodeEntry = Schema.decodeUnknownSync(Schema.fromJsonString(PackageEntry))
type Packages = ReadonlyArray<PackageEntry>

const kernel = "6.1.0-model"

/** Where a path of the container is on the host. */
const onHost = (spec: ContainerSpec, path: string): string => {
  const mount = spec.mounts.find(({ target }) => path === target || path.startsWith(`${target}/`))
  if (mount === undefined) throw new Error(`${spec.name} has nothing mounted at ${path}`)
  return join(mount.source, path.slice(mount.target.length))
}

const write = (path: string, content: string | Uint8Array) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

const tsv = (packages: Packages): string =>
  packages
    .map(({ name, version, release, epoch, arch, payloadhash, size, buildtime }) =>
      [name, version, release, epoch ?? "(none)", arch, payloadhash, size, buildtime].join("\t")
    )
    .map((line) => `${line}\n`)
    .join("")

/** A repository as dnf would see it through this configuration. */
const repositoryOf = (configuration: string) => {
  // Whoever serves a hub's tree in the model has it at its own path.
  const [, directory = ""] = /^baseurl=\w+:\/\/[^/]*(.*)$/m.exec(readFileSync(configuration, "utf8")) ?? []
  const lines = readFileSync(join(directory, "rpmlist.jsonl"), "utf8").split("\n")
  const packages = new Map<string, PackageEntry>()
  for (const line of lines) {
    if (line === "") continue
    const entry = decodeEntry(line)
    packages.set(entry.name, entry)
  }
  const comps = readFileSync(join(directory, "../groups/comps.xml"), "utf8")
  const group = (name: string): ReadonlyArray<string> => {
    const found = comps.split("<group>").find((part) => part.includes(`<id>${name}</id>`)) ?? ""
    return [...found.matchAll(/<packagereq[^>]*>([^<]*)</g)].map(([, wanted = ""]) => wanted)
  }
  return { packages, group }
}

const nevra = ({ name, version, release, arch }: PackageEntry) => `${name}-${version}-${release}.${arch}`

/** A command that fails before it has done anything. */
const failing = (exit: number, text: string): MemoryProgram => ({ output: [{ bytes: text }], exit })

/** One that says this, then does its work and ends well. */
const doing = (lines: ReadonlyArray<string>, work: () => void, millis = 400): MemoryProgram => ({
  output: lines.map((line) => ({ afterMillis: millis / 2, bytes: `${line}\n` })),
  afterMillis: millis / 2,
  exit: 0,
  work: Effect.sync(work)
})

/** The installed packages of these names, and of those that were there. */
const joined = (before: Packages, more: Packages): Packages => {
  const all = new Map([...before, ...more].map((entry) => [entry.name, entry]))
  return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const leave = (out: string, packages: Packages) => {
  write(join(out, "packages.tsv"), tsv(packages))
  write(join(out, "state.tar"), JSON.stringify(packages))
}

/** `mock --init`, in the tools image. */
const base = (spec: ContainerSpec, [, managers = "", group = ""]: ReadonlyArray<string>): MemoryProgram => {
  const out = onHost(spec, Scripts.inside.out)
  const repository = repositoryOf(onHost(spec, `${Scripts.inside.packages}/yum.conf`))
  const wanted = repository.group(group)
  const command = `Executing command: ${managers.split(" ")[0]} -y --installroot=${out} install @${group}`
  const missing = wanted.filter((name) => !repository.packages.has(name))
  if (wanted.length === 0) return failing(30, `${command}\nModule or Group '${group}' is not available.\n`)
  if (missing.length > 0) return failing(30, `${command}\nNo match for group package "${missing[0]}"\n`)
  const packages = joined(
    [],
    wanted.flatMap((name) => repository.packages.get(name) ?? [])
  )
  return doing([command, "Child return code was: 0"], () => {
    leave(out, packages)
    write(join(out, "root.tar"), JSON.stringify(packages))
    write(join(out, "log/dnf.log"), `installed ${packages.length} packages\n`)
  })
}

/** The image's own rpm, asked what it holds. */
const check = (spec: ContainerSpec, root: MemoryRoot): MemoryProgram =>
  doing(
    [kernel],
    () => {
      const out = onHost(spec, Scripts.inside.out)
      leave(out, decodeEntries(root.contents))
      write(join(out, "kernel"), `${kernel}\n`)
    },
    100
  )

/** dnf, asked what these requirements take. */
const resolve = (spec: ContainerSpec, [, ...wanted]: ReadonlyArray<string>): MemoryProgram => {
  const out = onHost(spec, Scripts.inside.out)
  const repository = repositoryOf(join(out, "yum.conf"))
  const names = wanted.map((requirement) => requirement.split(" ")[0] ?? "")
  const missing = names.filter((name) => !repository.packages.has(name))
  if (missing.length > 0) {
    return failing(30, missing.map((name) => `No matching package to install: '${name}'\n`).join(""))
  }
  const installed = decodeEntries(readFileSync(join(out, "state.tar"), "utf8"))
  const chosen = names
    .flatMap((name) => repository.packages.get(name) ?? [])
    .filter(({ name }) => !installed.some((entry) => entry.name === name))
  return doing(
    chosen.map((entry) => `Installing: ${nevra(entry)} (build)`),
    () => {
      for (const entry of chosen) write(join(out, "rpms", `${nevra(entry)}.rpm`), JSON.stringify(entry))
      const transaction = { install: chosen.map(nevra), remove: [], replacing: false }
      write(join(out, "transaction.json"), JSON.stringify(transaction))
    }
  )
}

/** rpm, in the root itself. */
const install = (spec: ContainerSpec, root: MemoryRoot, [, , options = ""]: ReadonlyArray<string>): MemoryProgram => {
  const directory = join(onHost(spec, Scripts.inside.packages), "rpms")
  const files = existsSync(directory) ? readdirSync(directory).sort() : []
  const more = files.map((file) => decodeEntry(readFileSync(join(directory, file), "utf8")))
  return doing([`Executing command: rpm ${options} ${files.join(" ")}`], () => {
    const packages = joined(decodeEntries(root.contents), more)
    root.contents = JSON.stringify(packages)
    leave(onHost(spec, Scripts.inside.out), packages)
  })
}

/** The stages of a build, each told in its file as the script tells it. */
const stageAt = (spec: ContainerSpec, stage: string) =>
  Effect.sync(() => write(onHost(spec, `${Scripts.inside.status}/stage`), `${stage}\n`))

/** rpmbuild: unpacks, makes the source package again, sees what is missing, and builds. */
const build = (
  spec: ContainerSpec,
  root: MemoryRoot,
  recipes: Recipes,
  given: ReadonlyArray<string>
): MemoryProgram => {
  const [, source = "", , target = "", , how = "static", settled = ""] = given
  const recipe = recipes.ofSource(source)
  const top = onHost(spec, "/builddir/build")
  const has = new Set(decodeEntries(root.contents).map(({ name }) => name))
  const lacking = (names: ReadonlyArray<string>) => names.some((name) => !has.has(name.split(" ")[0] ?? ""))
  const { requires = [], generated = [], lines = ["+ make", "+ make install"], lineMillis = 500, end = "well" } = recipe
  const sources = () => {
    for (const name of existsSync(`${top}/SRPMS`) ? readdirSync(`${top}/SRPMS`) : []) rmSync(`${top}/SRPMS/${name}`)
    for (let copy = 0; copy < (recipe.sources ?? 1); copy++) {
      const made = copy === 0 ? recipe : { ...recipe, release: `${recipe.release ?? "1"}.${copy}` }
      write(`${top}/SRPMS/${sourceName(made)}`, bytesOf(sourceOf(made, true)))
    }
  }
  const began = { bytes: `Building target platforms: ${target}\n`, work: stageAt(spec, "requires") }
  if (how !== "dynamic" && lacking(requires) && settled === "") {
    return { output: [began], afterMillis: 100, exit: Scripts.exits.requiresMissing, work: Effect.sync(sources) }
  }
  const turn = generated.findIndex(lacking)
  if (turn >= 0 && !(how === "dynamic" && settled !== "")) {
    const wanted = [...requires, ...(generated[turn] ?? [])]
    const work = Effect.sync(() => {
      sources()
      const nosrc = { ...sourceOf(recipe, true), requires: wanted }
      write(`${top}/SRPMS/${nvrOf(recipe)}.buildreqs.nosrc.rpm`, bytesOf(nosrc))
    })
    const generating = { bytes: "Dynamic buildrequires detected\n", work: stageAt(spec, "generate") }
    return { output: [began, generating], afterMillis: 100, exit: Scripts.exits.dynamicRequiresMissing, work }
  }
  const building = { bytes: `Executing(%build): ${nvrOf(recipe)}\n`, work: stageAt(spec, "build") }
  const output = [began, building, ...lines.map((line) => ({ afterMillis: lineMillis, bytes: `${line}\n` }))]
  if (end === "never") return { output, afterMillis: "never", exit: 0 }
  if (end === "out of memory") return { output, exit: end }
  if (end !== "well") return { output, exit: "exit" in end ? end.exit : end }
  const work = Effect.sync(() => {
    sources()
    for (const rpm of builtFor(recipe, target)) write(`${top}/RPMS/${rpmName(rpm)}`, bytesOf(rpm))
  })
  return { output, afterMillis: lineMillis, exit: 0, work }
}

/** A source package, unpacked and packed again. */
const rebuildSource = (spec: ContainerSpec, recipes: Recipes, [, file = ""]: ReadonlyArray<string>): MemoryProgram => {
  const recipe = recipes.ofSource(file)
  const top = onHost(spec, "/chroot_tmpdir/srpm_unpacked")
  const { specs = [`${recipe.name}.spec`], sources = 1 } = recipe
  const work = Effect.sync(() => {
    for (const name of specs) write(`${top}/SPECS/${name}`, `Name: ${recipe.name}\n`)
    if (specs.length !== 1) return
    for (let copy = 0; copy < sources; copy++) {
      const made = copy === 0 ? recipe : { ...recipe, release: `${recipe.release ?? "1"}.${copy}` }
      const name = recipe.misnamed === true ? sourceName({ ...made, name: "other" }) : sourceName(made)
      write(`${top}/SRPMS/${name}`, bytesOf(sourceOf(made, true)))
    }
  })
  const exit = specs.length === 1 ? 0 : Scripts.exits.noSpec
  return { output: [{ bytes: `Wrote: ${sourceName(recipe)}\n` }], afterMillis: 200, exit, work }
}

/** createrepo_c, and mergerepo_c. */
const makeMetadata = (spec: ContainerSpec): MemoryProgram => {
  const option = (name: string) => spec.command[spec.command.indexOf(name) + 1] ?? ""
  const out = onHost(spec, option("-o"))
  const list = spec.command.includes("-i") ? readFileSync(onHost(spec, option("-i")), "utf8") : ""
  return doing([`${spec.command[0]}: ${list.split("\n").length - 1} packages`], () => {
    write(join(out, "repodata/primary.xml.gz"), `packages of ${option("-i")}\n${list}`)
    write(join(out, "repodata/repomd.xml"), `<repomd><revision>${list.length}</revision></repomd>\n`)
  })
}

/** Which recipe a source package's file is made by. */
export class Recipes {
  readonly #byFile = new Map<string, Recipe>()

  constructor(recipes: ReadonlyArray<Recipe>) {
    for (const recipe of recipes) this.add(recipe)
  }

  add(recipe: Recipe) {
    this.#byFile.set(sourceName(recipe), recipe)
  }

  ofSource(file: string): Recipe {
    const found = this.#byFile.get(file)
    if (found === undefined) throw new Error(`no recipe makes ${file}`)
    return found
  }

  fileOf(recipe: Recipe): Uint8Array {
    return sourceFile(recipe)
  }
}

/** What a container of ours does, by the script it is given. */
export const programOf = (spec: ContainerSpec, root: MemoryRoot, recipes: Recipes): MemoryProgram => {
  const after = (script: string) => spec.command.slice(spec.command.indexOf(script) + 1)
  const { command } = spec
  if (command.includes(RootScripts.base)) return base(spec, after(RootScripts.base))
  if (command.includes(RootScripts.check) || command.includes(RootScripts.checkReady)) return check(spec, root)
  if (command.includes(RootScripts.install)) return install(spec, root, after(RootScripts.install))
  if (command.includes(ResolveScripts.resolve)) return resolve(spec, after(ResolveScripts.resolve))
  if (command.includes(Scripts.build)) return build(spec, root, recipes, after(Scripts.build))
  if (command.includes(Scripts.rebuildSource)) return rebuildSource(spec, recipes, after(Scripts.rebuildSource))
  if (/\/(createrepo|createrepo_c|mergerepo_c)$/.test(command[0] ?? "")) return makeMetadata(spec)
  // Its processes go with the container.
  if (command.includes(forkScript)) return { output: [], exit: 0 }
  if (command[0] === "sleep") return { output: [], afterMillis: "never", exit: 0 }
  throw new Error(`${spec.labels[label.step]}: nobody knows what this does: ${command.join(" ").slice(0, 200)}`)
}

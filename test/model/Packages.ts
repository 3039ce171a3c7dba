/** The packages of the model: a distribution of a handful, and recipes for what is built from it. */
import { type Package, rpmFile, rpmName } from "../hubsim/RpmFile.ts"

/** What a source package is, and what happens when it is built. */
export interface Recipe {
  readonly name: string
  readonly version?: string
  readonly release?: string
  readonly epoch?: number
  /** What its spec requires. */
  readonly requires?: ReadonlyArray<string>
  /** What it generates as further requirements, turn by turn. */
  readonly generated?: ReadonlyArray<ReadonlyArray<string>>
  /** What it builds; one package of its own name if not said. `target` is whatever it is built for. */
  readonly packages?: ReadonlyArray<{ readonly name: string; readonly arch: "target" | "noarch" }>
  readonly buildArchs?: ReadonlyArray<string>
  readonly exclusiveArch?: ReadonlyArray<string>
  readonly excludeArch?: ReadonlyArray<string>
  /** Header members that its source package, once built, lacks. */
  readonly lacks?: ReadonlyArray<"packager" | "vendor" | "distribution">
  /** The spec files in it; one, of its own name, if not said. */
  readonly specs?: ReadonlyArray<string>
  /** What the build says, a line each time so long after the one before. */
  readonly lines?: ReadonlyArray<string>
  readonly lineMillis?: number
  /** How the build ends. */
  readonly end?: "well" | "never" | "out of memory" | { readonly exit: number } | { readonly signal: number }
  /** Source packages that the build leaves; one if not said. */
  readonly sources?: number
  /** Whether the source package that is made again gets another name than its header says. */
  readonly misnamed?: boolean
}

export const versionOf = ({ version = "1.0", release = "1" }: Recipe) => ({ version, release })
export const nvrOf = (recipe: Recipe) => `${recipe.name}-${versionOf(recipe).version}-${versionOf(recipe).release}`

const site = { packager: "Koji", vendor: "Koji", distribution: "Koji" }

/** The source package's header, as a packager makes it or as the build makes it again. */
export const sourceOf = (recipe: Recipe, built = false, requires = recipe.requires ?? []): Package => {
  const { name, epoch, buildArchs, exclusiveArch, excludeArch, specs = [`${name}.spec`], lacks = [] } = recipe
  const told = Object.entries(site).filter(([member]) => built && !lacks.some((lacking) => lacking === member))
  return {
    ...{ name, ...versionOf(recipe), arch: "src", requires, files: specs },
    ...(epoch === undefined ? {} : { epoch }),
    ...(buildArchs === undefined ? {} : { buildArchs }),
    ...(exclusiveArch === undefined ? {} : { exclusiveArch }),
    ...(excludeArch === undefined ? {} : { excludeArch }),
    ...Object.fromEntries(told)
  }
}

export const sourceName = (recipe: Recipe) => rpmName(sourceOf(recipe))

/** A source package, as a packager brings it. */
export const sourceFile = (recipe: Recipe): Uint8Array => bytesOf(sourceOf(recipe))

/** The binary packages that a build for this target makes. */
export const builtFor = (recipe: Recipe, target: string): ReadonlyArray<Package> =>
  (recipe.packages ?? [{ name: recipe.name, arch: "target" }]).map(({ name, arch }) => ({
    ...{ name, ...versionOf(recipe), arch: arch === "target" ? target : arch },
    ...(recipe.epoch === undefined ? {} : { epoch: recipe.epoch }),
    ...{ source: sourceName(recipe), ...site, files: [`/usr/share/${name}`] }
  }))

const made = new Map<string, Uint8Array>()

/** A package's file; the same package is the same file. */
export const bytesOf = (rpm: Package): Uint8Array => {
  const key = JSON.stringify(rpm)
  const bytes = made.get(key) ?? rpmFile(rpm)
  made.set(key, bytes)
  return bytes
}

/** Source packages of the distribution, and what each was built into. */
const distribution: Readonly<Record<string, ReadonlyArray<string>>> = {
  basics: ["basics", "shell", "make"],
  "rpm-tools": ["rpm-build"],
  compiler: ["compiler"],
  zlib: ["zlib", "zlib-devel"]
}

/** What the groups of the build tag install. */
export const groups = { build: ["basics", "make", "rpm-build", "shell"], "srpm-build": ["basics", "rpm-build"] }

/** The distribution's files by name, x86_64 but for `basics`. */
export const distributionFiles = (): ReadonlyMap<string, Uint8Array> => {
  const files = new Map<string, Uint8Array>()
  for (const [source, names] of Object.entries(distribution)) {
    const recipe: Recipe = {
      name: source,
      packages: names.map((name) => ({ name, arch: name === "basics" ? "noarch" : "target" }))
    }
    for (const rpm of [sourceOf(recipe, true), ...builtFor(recipe, "x86_64")]) files.set(rpmName(rpm), bytesOf(rpm))
  }
  return files
}

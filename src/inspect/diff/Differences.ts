/**
 * What differs between two builds: what went into them, what was run, how each step ended.
 *
 * What always differs (numbers of tasks, buildroots and events, paths of a state directory, times) is no difference. How
 * long each step took is told, and is none either.
 */
import type { Schema } from "effect"
import { failureOfOutcome, failureText } from "../Failure.ts"
import type { Timeline } from "../Timeline.ts"
import type { BuildFacts, Package } from "./BuildFacts.ts"
import { type Change, compared, type Members, memberText, namesOf, textChange, valueChanges } from "./Change.ts"
import { commandChanges, containerPairs, environmentChanges, limitChanges } from "./ContainerChanges.ts"
import { endOf, stepChanges, stepPairs, took } from "./StepChanges.ts"

export interface StepTime {
  readonly step: string
  /** In milliseconds; null where it has no end, or was not run. */
  readonly a: number | null
  readonly b: number | null
}

export interface BuildDiff {
  readonly changes: ReadonlyArray<Change>
  /** The first step, in the order of a build, that ended in another way. */
  readonly firstOther: { readonly step: string; readonly a: string; readonly b: string } | null
  readonly times: ReadonlyArray<StepTime>
  /** What could not be compared, and why. */
  readonly missing: ReadonlyArray<string>
}

export const buildDiff = (a: BuildFacts, b: BuildFacts): BuildDiff => {
  const steps = stepPairs(a.timeline, b.timeline)
  const both = steps.flatMap((pair) => (pair.a !== undefined && pair.b !== undefined ? [{ a: pair.a, b: pair.b }] : []))
  const containers = both.flatMap((pair) => containerPairs(pair.a, pair.b))
  const other = both.find((pair) => endOf(pair.a) !== endOf(pair.b))
  return {
    changes: [
      ...compared("result", [["result", verdict(a.timeline), verdict(b.timeline)]]),
      ...stepChanges(steps),
      ...compared("request", [
        ["method", a.timeline.method, b.timeline.method],
        ["arch", a.timeline.arch, b.timeline.arch],
        ["tag", a.tag, b.tag],
        ["version of the builder", a.timeline.version, b.timeline.version]
      ]),
      ...valueChanges("source", sourceOf(a), sourceOf(b)),
      ...(a.packages === null || b.packages === null ? [] : packageChanges(a.packages, b.packages)),
      ...imageChanges(a, b),
      ...configurationChanges(a.configuration, b.configuration),
      ...valueChanges("macros", a.macros, b.macros),
      ...valueChanges("environment", a.environment, b.environment),
      ...containers.flatMap(environmentChanges),
      ...containers.flatMap(commandChanges),
      ...containers.flatMap(limitChanges)
    ],
    firstOther: other === undefined ? null : { step: other.a.path, a: endOf(other.a), b: endOf(other.b) },
    times: steps.map(({ step, a, b }) => ({ step, a: took(a), b: took(b) })),
    missing: [...a.missing.map((what) => `a: ${what}`), ...b.missing.map((what) => `b: ${what}`)]
  }
}

/** The file's name follows from the others. */
const sourceOf = ({ source }: BuildFacts): Members => {
  if (source === null) return {}
  const { name, epoch, version, release } = source
  return { name, epoch, version, release }
}

const verdict = ({ decided }: Timeline): string => {
  if (decided === null) return "no result"
  const failure = failureOfOutcome(decided.outcome)
  return failure === null ? "success" : failureText(failure)
}

/** `1:2.12-1`, as rpm writes it. */
const evr = ({ epoch, version, release }: Package): string =>
  `${epoch === null ? "" : `${epoch}:`}${version}-${release}`

const packageChanges = (a: ReadonlyArray<Package>, b: ReadonlyArray<Package>): ReadonlyArray<Change> => {
  const versions = (packages: ReadonlyArray<Package>) => {
    const byName = new Map<string, Array<string>>()
    for (const entry of packages) {
      const name = `${entry.name}.${entry.arch}`
      byName.set(name, [...(byName.get(name) ?? []), evr(entry)])
    }
    // Some packages, kernels for one, are installed in several versions.
    return new Map([...byName].map(([name, all]) => [name, all.sort().join(", ")]))
  }
  const [inA, inB] = [versions(a), versions(b)]
  const names = [...new Set([...inA.keys(), ...inB.keys()])].sort()
  return compared(
    "packages",
    names.map((name) => [name, inA.get(name) ?? null, inB.get(name) ?? null])
  )
}

const imageChanges = (a: BuildFacts, b: BuildFacts): ReadonlyArray<Change> => {
  const names = [...new Set([...a.images, ...b.images].map((image) => image.step))]
  return names.flatMap((step) => {
    const [inA, inB] = [a, b].map(({ images }) => images.find((image) => image.step === step))
    if (inA?.image === inB?.image) return []
    const same = inA !== undefined && inA.key === inB?.key
    const text = (image: typeof inA) => (image === undefined ? null : `${image.image}, of inputs ${image.key}`)
    return [{ section: "images", what: same ? `${step} (made of the same)` : step, a: text(inA), b: text(inB) }]
  })
}

/** The repository's number says nothing; its contents have a digest. */
const configurationChanges = (a: Members, b: Members): ReadonlyArray<Change> =>
  namesOf(a, b).flatMap((name) => {
    if (name === "repo") return []
    const [inA, inB] = [a, b].map((members) => withoutRepo(memberText(members, name), members["repo"]))
    return textChange("configuration", name, inA ?? null, inB ?? null)
  })

const withoutRepo = (text: string | null, repo: Schema.Json | undefined): string | null =>
  typeof repo !== "number" || text === null ? text : text.replaceAll(`/${repo}/`, "/(repo)/")

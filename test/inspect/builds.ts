/** Whole builds to compare: as a buildArch task records them, with what may differ between two. */
import { order } from "../../src/core/AttemptCommand.ts"
import { ContainerName, StepPath } from "../../src/core/Ids.ts"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { label } from "../../src/engine/Labels.ts"
import * as Examples from "./examples.ts"

export interface Build {
  readonly name: string
  readonly release: string
  readonly tag: string
  readonly repo: number
  readonly repoDigest: string
  readonly macros: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly packages: Readonly<Record<string, string>>
  /** What the installed image was made of. */
  readonly key: string
  readonly image: string
  readonly script: string
  readonly memoryBytes: number
  readonly status: number
  readonly took: number
  /** The image had been made before, so that nothing was installed. */
  readonly cached: boolean
}

export const usual: Build = {
  name: "hello",
  release: "1",
  tag: "f40-build",
  repo: 42,
  repoDigest: "aaaa",
  macros: { "%dist": ".f40", "%vendor": "Example" },
  environment: { LANG: "C.UTF-8" },
  packages: { bash: "5.2-1", gcc: "14.0-3", texinfo: "7.1-1" },
  key: "0001",
  image: Examples.imageId("aa11"),
  script: "set -e\nrpmbuild -bb hello.spec\n",
  memoryBytes: 8 * 1024 ** 3,
  status: 0,
  took: 60_000,
  cached: false
}

const entries = (packages: Build["packages"]) =>
  Object.entries(packages).map(([name, versionRelease]) => {
    const [version = "", release = ""] = versionRelease.split("-")
    return { name, version, release, epoch: null, arch: "x86_64", payloadhash: "0".repeat(32), size: 1, buildtime: 1 }
  })

const specOf = (build: Build, place: string, command: ReadonlyArray<string>, state: string): ContainerSpec => ({
  name: `adjutant-i-4711-1-${place.replaceAll("/", ".")}`,
  image: build.image,
  command: [...command],
  environment: build.environment,
  user: "1000:135",
  workingDirectory: "/builddir",
  hostname: "mock",
  labels: { [label.step]: place, [label.bootId]: state },
  mounts: [{ source: `${state}/work/builddir`, target: "/builddir", readOnly: false, relabel: "private" }],
  tmpfs: {},
  network: "none",
  capabilities: "build",
  readOnlyRoot: false,
  limits: {
    memoryBytes: build.memoryBytes,
    cpus: 2,
    processes: 4096,
    openFiles: 4096,
    wallSeconds: 3600,
    silenceSeconds: 600,
    outputBytes: 1024 ** 3,
    diskBytes: 1024 ** 3
  },
  output: "joined",
  commit: null
})

/** The attempt of such a build; `state` is where its host keeps things, which makes no difference. */
export const buildStory = (changes: Partial<Build> = {}, state = "/var/lib/one", attempt = 1): Examples.Story => {
  const build = { ...usual, ...changes }
  const image = { key: build.key, image: build.image, packages: entries(build.packages) }
  const story = new Examples.Story(attempt)
  const run = (step: string, place: string, command: ReadonlyArray<string>, took: number, code: number) => {
    const spec = specOf(build, place, command, state)
    const container = ContainerName.make(spec.name)
    story
      .tell(1, order.IntendContainer.make({ container, step: StepPath.make(step), spec, capture: "c.out", logs: [] }))
      .tell(1, order.ConfirmCreated.make({ container, id: "c" }))
      .tell(1, order.ConfirmStarted.make({ container, startedAt: 0 }))
    story.tell(
      took,
      order.ConfirmExited.make({
        container,
        exit: { reason: Examples.exited(code), startedAt: 0, finishedAt: took, outputBytes: 100, committed: null }
      })
    )
    story.tell(1, order.ConfirmRemoved.make({ container }))
  }
  const { name, release, tag, repo, repoDigest, macros, environment } = build
  story
    .step("openTask", 10, true)
    .step("source", 50, { name, version: "2.12", release, epoch: null, file: `${name}-2.12-${release}.src.rpm` })
    .step("buildroot/new", 10, repo * 10)
    .step("buildroot/configure", 10, {
      facts: { id: repo * 10, tagName: tag, macros, environment },
      inputs: {
        tag,
        repo,
        repoDigest,
        toolsImage: "tools",
        yumConf: `[build]\nbaseurl=http://hub/repos/${repo}/x86_64\n`
      }
    })
    .begin("init")
  if (!build.cached) run("init", "init/populate", ["dnf", "install"], 20_000, 0)
  story.tell(5, order.SucceedStep.make({ step: StepPath.make("init"), value: { _tag: "Inline", value: image } }))
  story.begin("build/1")
  run(
    "build/1",
    "build/1",
    ["/bin/sh", "-c", build.script, "build", `${name}-2.12-${release}.src.rpm`],
    build.took,
    build.status
  )
  story.tell(
    5,
    order.SucceedStep.make({
      step: StepPath.make("build/1"),
      value: { _tag: "Inline", value: { status: build.status, signal: null, detail: "", stage: "build" } }
    })
  )
  return story.conclude(
    build.status === 0
      ? { _tag: "Success", result: { _tag: "Inline", value: {} }, files: [] }
      : {
          _tag: "Fault",
          code: 1005,
          message: `error building package (arch x86_64), mock exited with status ${build.status}`
        }
  )
}

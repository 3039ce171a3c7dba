/**
 * One history: a plan's tasks, by real daemons over the model hub, engine and disks, with everything that goes wrong on
 * the way; and what was found wrong with it in the end.
 *
 * Whatever happened, each task ends once, and as it would have ended: an accident of the builder's never fails a build
 * that is well, nor lets one through that is not. What only an attempt needs is gone, and every attempt's journal is
 * whole and says how it ended.
 */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { historyCheck } from "../../src/inspect/Check.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import type { ModelHub } from "../model/Hub.ts"
import { tag } from "../model/HubTemplate.ts"
import { callText, outlineShort } from "../model/Outline.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"
import { Incidents, isAtEnd } from "./Incidents.ts"
import type { Incident, Job, Plan } from "./Plan.ts"

export interface Told {
  /** What is wrong with it; nothing, if all is well. */
  readonly problems: ReadonlyArray<string>
  readonly happened: ReadonlyArray<Incident>
  /** How often each kind of event was journaled, each outcome decided. */
  readonly events: ReadonlyMap<string, number>
  /** How the tasks that the plan made ended. */
  readonly ends: ReadonlyArray<string>
  readonly instants: number
  /** The history as a person would tell it. */
  readonly text: () => string
}

/** How a task ends when nothing goes wrong: its state, its fault, the packages that it and its children made. */
interface End {
  readonly state: string
  readonly fault: string
  readonly packages: Readonly<Record<string, string>>
}

const repo = { repo_id: 1 }
const names = ["hello", "world"]

const recipeOf = (job: Job, name: string): Recipe => {
  const recipe: Recipe = { name, requires: ["make"], lines: ["one", "two", "three"], lineMillis: 5000 }
  switch (job) {
    case "buildArch that fails":
      return { ...recipe, end: { exit: 1 } }
    case "buildArch without memory":
      return { ...recipe, end: "out of memory" }
    case "buildArch with generated requirements":
      return { ...recipe, generated: [["zlib-devel"]] }
    default:
      return recipe
  }
}

const submit = (world: World, job: Job, name: string): number => {
  const { hub } = world
  const source = () => world.source(recipeOf(job, name))
  switch (job) {
    case "buildArch":
    case "buildArch that fails":
    case "buildArch without memory":
    case "buildArch with generated requirements":
      return hub.makeTask("buildArch", [source(), tag.build, "x86_64", true, repo], { arch: "x86_64" })
    case "rebuildSRPM":
      return hub.makeTask("rebuildSRPM", [source(), tag.build, repo])
    case "newRepo":
      return hub.makeTask("newRepo", [tag.build])
    case "build":
      hub.admin("packageListAdd", [tag.destination, name, "kojiadmin"], { force: true })
      return hub.makeTask("build", [source(), tag.target, {}])
    case "tagBuild": {
      const another = `another-${name}`
      hub.admin("createTag", [another])
      hub.admin("packageListAdd", [another, "zlib", "kojiadmin"])
      return hub.makeTask("tagBuild", [another, zlib])
    }
  }
}

/** The build of `zlib` that the distribution came with. */
const zlib = 4

const undisturbed = new Map<string, Promise<ReadonlyArray<End>>>()

/** How the plan's tasks would have ended: each is looked at once in a process. */
const expected = (jobs: ReadonlyArray<Job>): Promise<ReadonlyArray<End>> => {
  const key = JSON.stringify(jobs)
  const known = undisturbed.get(key) ?? run({ seed: 0, engine: "docker", daemons: 1, jobs, incidents: [] }).then(endsOf)
  undisturbed.set(key, known)
  return known
}
const endsOf = ({ found }: Awaited<ReturnType<typeof run>>) => found.ends

/** Tells a plan's history. */
export const tellHistory = async (plan: Plan): Promise<Told> => {
  const ends = await expected(plan.jobs)
  const { incidents, found, log } = await run(plan)
  const fileFailed = incidents.happened.some((incident) => "code" in incident && incident.code === "EIO")
  // It may have been the removal that failed: the next start takes away what is left.
  const problems = found.problems.filter((problem) => !(fileFailed && /^directory \S+ is left$/.test(problem)))
  for (const [at, end] of ends.entries()) {
    const job = plan.jobs[at]
    const own = found.ends[at]
    if (own === undefined || job === undefined) continue
    if (incidents.touched.has(own.task) && own.state === "CANCELED") continue
    // It may have failed the daemon, as a defect does, or what ran in a container.
    if (own.state === "FAILED" && fileFailed) continue
    // What was done to its end and then given back is begun again, and the hub says that it has been done.
    if (found.begunAgain && doneBefore.test(own.fault)) continue
    const same = own.state === end.state && own.fault === end.fault
    if (!same) problems.push(`${job}: ended ${own.state} ${own.fault}, and would have ended ${end.state} ${end.fault}`)
    else if (JSON.stringify(own.packages) !== JSON.stringify(end.packages)) {
      problems.push(`${job}: other packages: ${JSON.stringify(own.packages)} for ${JSON.stringify(end.packages)}`)
    }
  }
  return {
    problems,
    happened: incidents.happened,
    events: found.events,
    ends: found.ends.map(({ state }) => state),
    instants: incidents.instants,
    text: () => [...found.text(), ...log()].join("\n")
  }
}

const doneBefore = /Build already exists|already tagged|uploaded file missing/

const run = async (plan: Plan) => {
  const roots: Array<number> = []
  const incidents = new Incidents(plan.incidents, () => roots)
  let log: () => ReadonlyArray<string> = () => []
  const found = await story(
    (world) =>
      Effect.gen(function* () {
        log = () => world.time.log.map(({ at, process, text }) => `${new Date(at).toISOString()} ${process}: ${text}`)
        const daemons: Array<ModelDaemon> = [yield* world.daemon(incidents.choicesFor("builder1"))]
        if (plan.daemons === 2) daemons.push(yield* world.daemon(incidents.choicesFor("builder2")))
        incidents.begin(world, daemons)
        for (const [at, job] of plan.jobs.entries()) roots.push(submit(world, job, names[at] ?? `name${at}`))
        for (const daemon of daemons) yield* daemon.start
        const ended = () => roots.every((task) => isAtEnd(world.hub.state(task)))
        const latest = world.time.now + patienceMillis
        while (world.time.now < latest) {
          yield* incidents.attend
          if (ended() && incidents.healed && !(yield* areWorking(daemons))) break
          yield* Effect.sleep("5 seconds")
        }
        incidents.end()
        // What has no owner is swept every now and then.
        yield* Effect.sleep("150 seconds")
        const result = yield* look(world, daemons, roots, plan.jobs)
        for (const daemon of daemons) yield* daemon.terminate
        return result
      }),
    {
      seed: plan.seed,
      engine: plan.engine,
      files: (operation, path) => incidents.fileFate(operation, path),
      wire: "values"
    }
  )
  return { incidents, found, log }
}

/** Beyond all that hubs and daemons wait for each other, and short of a day, when sessions end. */
const patienceMillis = 20 * 3_600_000

/** Whether one of them has an attempt that is not at its end, or is not there to have one. */
const areWorking = Effect.fnUntraced(function* (daemons: ReadonlyArray<ModelDaemon>) {
  for (const daemon of daemons) {
    if (!daemon.running) return true
    const refused = yield* notResumed(daemon)
    for (const { task, attempt } of yield* daemon.attempts) {
      if (refused.has(`${task}-${attempt}`)) continue
      const last = (yield* daemon.history(task, attempt)).at(-1)
      if (last !== undefined && last._tag !== "Concluded") return true
    }
  }
  return false
})

/** Attempts whose journals could not be read at a start: they stay as they are, and their tasks were given back. */
const notResumed = (daemon: ModelDaemon) =>
  Effect.map(
    daemon.told,
    (events) =>
      new Set(
        events.flatMap((event) =>
          event._tag === "AttemptRecovered" && event.how !== "resumed" ? [`${event.task}-${event.attempt}`] : []
        )
      )
  )

export const look = (
  world: World,
  daemons: ReadonlyArray<ModelDaemon>,
  roots: ReadonlyArray<number>,
  jobs: ReadonlyArray<Job>
) =>
  Effect.gen(function* () {
    const { hub, engine } = world
    const problems: Array<string> = []
    const events = new Map<string, number>()
    const attempts: Array<{ readonly title: string; readonly history: ReadonlyArray<AttemptEvent> }> = []
    const attemptsOf = new Map<number, number>()
    for (const { name } of yield* engine.containers) problems.push(`container ${name} is left`)
    for (const daemon of daemons) {
      const work = `${daemon.settings.stateDirectory}/work`
      const refused = yield* notResumed(daemon)
      for (const name of existsSync(work) ? readdirSync(work) : []) problems.push(`directory ${name} is left`)
      for (const { task, attempt } of yield* daemon.attempts) {
        const title = `${daemon.name}, task ${task}, attempt ${attempt}`
        const history = yield* daemon.history(task, attempt)
        attemptsOf.set(task, (attemptsOf.get(task) ?? 0) + 1)
        attempts.push({ title, history })
        if (history.length === 0) continue
        problems.push(...judge(history, refused.has(`${task}-${attempt}`)).map((problem) => `${title}: ${problem}`))
        problems.push(...uploadsOf(hub, task, history).map((problem) => `${title}: ${problem}`))
        for (const event of history) {
          count(events, event._tag)
          if (event._tag === "ResultDecided") count(events, `decided ${event.outcome._tag}`)
        }
      }
    }
    for (const task of hub.tasks) {
      for (const [method, most] of [
        ["host.closeTask", 1],
        ["host.failTask", 1],
        ["host.openTask", attemptsOf.get(task) ?? 0]
      ] as const) {
        const times = hub.calls.filter(
          (call) =>
            call.method === method &&
            call.params[0] === task &&
            call.said?._tag === "Success" &&
            // Somebody else's task is not opened: the answer is null.
            call.said.value !== (method === "host.openTask" ? null : undefined)
        ).length
        if (times > most) problems.push(`task ${task}: ${method} was done ${times} times`)
      }
    }
    return {
      problems,
      events,
      begunAgain: [...attemptsOf.values()].some((attempts) => attempts > 1),
      ends: roots.map((task, at) => ({
        ...endOf(hub, task, jobs[at], names[at]),
        attempts: attemptsOf.get(task) ?? 0
      })),
      text: () => [
        ...hub.calls.map((call) => `${new Date(call.at).toISOString()} ${call.from} ${callText(call)} -> ${call.fate}`),
        ...attempts.flatMap(({ title, history }) => [`${title}:`, ...outlineShort(history).map((line) => `  ${line}`)])
      ]
    }
  })

/** What is wrong with one attempt's journal. */
const judge = (history: ReadonlyArray<AttemptEvent>, refused: boolean): ReadonlyArray<string> => {
  const check = historyCheck()
  for (const event of history) check.add(event)
  const { brokenPromise, impossibleEvent } = check.found()
  return [
    ...(brokenPromise === null ? [] : [`broken promise: ${JSON.stringify(brokenPromise)}`]),
    ...(impossibleEvent === null ? [] : [`impossible event: ${JSON.stringify(impossibleEvent)}`]),
    ...(refused || history.at(-1)?._tag === "Concluded" ? [] : ["it has no end"])
  ]
}

/** What the journal says has arrived at the hub lies there to the byte, if the hub took the attempt's word for the end. */
const uploadsOf = (hub: ModelHub, task: number, history: ReadonlyArray<AttemptEvent>): ReadonlyArray<string> => {
  const last = history.at(-1)
  if (last?._tag !== "Concluded" || last.note !== "" || !(last.how === "closed" || last.how === "failed")) return []
  const uploaded = new Map<string, string>()
  for (const event of history) if (event._tag === "FileUploaded") uploaded.set(event.name, event.sha256)
  return [...uploaded].flatMap(([name, sha256]) => {
    const path = `${hub.outputOf(task)}/${name}`
    const found = existsSync(path) ? digest(path) : "nothing"
    return found === sha256 || wasMoved(hub, task, name) ? [] : [`${name} is ${found} at the hub, not ${sha256}`]
  })
}

/** A completed build's files go to where its packages are. */
const wasMoved = (hub: ModelHub, task: number, name: string): boolean =>
  !existsSync(`${hub.outputOf(task)}/${name}`) && hub.task(task)["parent"] !== null

const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex")

const endOf = (
  hub: ModelHub,
  task: number,
  job: Job | undefined,
  name: string | undefined
): End & { readonly task: number } => {
  const state = hub.state(task) ?? "unknown"
  const { faultCode, faultString } = Object(isAtEnd(state) && state !== "CANCELED" ? hub.result(task) : null)
  const packages: Record<string, string> = {}
  for (const directory of [
    hub.outputOf(task),
    ...(job === "build" && state === "CLOSED" ? [`${hub.top}/packages/${name}`] : [])
  ]) {
    for (const path of packagesBelow(directory)) packages[path.slice(path.lastIndexOf("/") + 1)] = digest(path)
  }
  return {
    task,
    state,
    fault: faultCode === undefined ? "" : `${faultCode} ${String(faultString).replaceAll(dirname(hub.top), "")}`,
    packages: Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** The distribution's own are links, and not of interest. */
const packagesBelow = (directory: string): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() && entry.name.endsWith(".rpm") ? [`${entry.parentPath}/${entry.name}`] : []
      )
    : []

const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)

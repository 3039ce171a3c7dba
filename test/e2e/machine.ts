/** A machine with a real systemd, which `scripts/service/machine` boots: what is done in it, and what it says. */
import { execFile, execFileSync, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"
import { until } from "./until.ts"

const project = join(import.meta.dirname, "../..")
export const script = join(project, "scripts/service/machine")

export interface Said {
  readonly code: number
  /** Standard output, then standard error. */
  readonly text: string
}

export interface Machine {
  /** Runs a command in it to its end. */
  run(...command: ReadonlyArray<string>): Effect.Effect<Said>
  /** The same, and fails the test if the command fails; its output. */
  does(...command: ReadonlyArray<string>): Effect.Effect<string>
  /** Makes a file in it. */
  write(path: string, content: string | Uint8Array, mode?: string): Effect.Effect<void>
  /** A property of a unit, as systemd has it now. */
  property(unit: string, name: string): Effect.Effect<string>
  /** Returns when the property has this value, or one that this describes. */
  becomes(unit: string, name: string, value: string | RegExp): Effect.Effect<string>
  /** What the journal has of a unit. */
  journal(unit: string): Effect.Effect<string>
}

/** Why this machine cannot boot one; undefined if it can. */
export const whyNoMachine = (): string | undefined => {
  try {
    execFileSync(script, ["possible"], { stdio: "pipe" })
    return undefined
  } catch (error) {
    return error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error)
  }
}

/** Runs this to its end. */
export const ran = (file: string, args: ReadonlyArray<string>, input: string | Uint8Array = "") =>
  Effect.callback<Said>((resume) => {
    const child = execFile(file, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1
      resume(Effect.succeed({ code, text: `${stdout}${stderr}` }))
    })
    // One that does not read to the end has its say in its exit code.
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
    return Effect.sync(() => void child.kill())
  })

/** Booted, with these paths of this machine in it; gone with the scope. */
export const makeMachine = Effect.fnUntraced(function* (name: string, paths: ReadonlyArray<string>) {
  const said: Array<string> = []
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(script, ["boot", name, ...paths], { stdio: ["pipe", "pipe", "pipe"] })
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => said.push(String(bytes)))
      const ended = new Promise((resolve) => child.on("close", resolve))
      return { child, ended }
    }),
    ({ ended }) =>
      Effect.andThen(
        ran(script, ["halt", name]),
        Effect.promise(() => ended)
      )
  )
  const run = (...command: ReadonlyArray<string>) => ran(script, ["run", name, ...command])
  const checked = (what: string, work: Effect.Effect<Said>) =>
    Effect.flatMap(work, ({ code, text }) =>
      code === 0 ? Effect.succeed(text) : Effect.die(new Error(`${what} ended with ${code}:\n${text}`))
    )
  const property = (unit: string, property: string) =>
    Effect.map(run("systemctl", "show", "--value", `--property=${property}`, unit), ({ text }) => text.trim())
  const journal = (unit: string) =>
    Effect.map(run("journalctl", "--no-pager", "--output=short", `--unit=${unit}`), ({ text }) => text)

  const machine: Machine = {
    ...{ run, property, journal },
    does: (...command) => checked(command.join(" "), run(...command)),
    write: (path, content, mode = "0644") => {
      const put = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
      return Effect.asVoid(checked(path, ran(script, ["run", name, "sh", "-c", put, "put", path, mode], content)))
    },
    becomes: Effect.fnUntraced(function* (unit, what, value) {
      let last = ""
      const fits = (text: string) => (typeof value === "string" ? text === value : value.test(text))
      return yield* until(
        `${what} of ${unit} to be ${value}`,
        () => last,
        Effect.gen(function* () {
          const now = yield* property(unit, what)
          if (fits(now)) return now
          last = `${now}\n${yield* journal(unit)}`
          return undefined
        })
      )
    })
  }
  yield* until(
    "systemd to be up",
    () => said.join(""),
    Effect.map(run("systemctl", "is-system-running"), ({ text }) => (text.trim() === "running" ? true : undefined))
  )
  return machine
})

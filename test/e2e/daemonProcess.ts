/** A real daemon: a process of its own, its log, its end. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"
import { until } from "./until.ts"

const project = join(import.meta.dirname, "../..")

export interface DaemonProcess {
  readonly pid: number
  /** Everything it has said so far. */
  readonly said: () => string
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Its exit code; `signal SIGKILL` when a signal ended it. */
  readonly exit: Effect.Effect<number | string>
  /** Returns when it has said this, and fails the test if it leaves before. */
  readonly hasSaid: (text: string, times?: number) => Effect.Effect<void>
}

const failpoints = join(project, "test/chaos/failpoint.ts")

/**
 * Starts a daemon on a configuration file; killed when the scope closes, if it is still there. With a failpoint it is
 * killed there. The session at the hub is taken from whoever has it, unless the daemon is to be polite.
 */
export const startDaemon = (
  configFile: string,
  failpoint?: string,
  isPolite = false,
  surroundings: Readonly<Record<string, string>> = {}
) =>
  Effect.acquireRelease(
    Effect.sync((): DaemonProcess & { readonly child: ChildProcess } => {
      const args = [join(project, "src/main.ts"), "daemon", "--config", configFile]
      if (!isPolite) args.push("--force-lock")
      const [before, env] =
        failpoint === undefined
          ? [[], { ...process.env, ...surroundings }]
          : [["--import", failpoints], { ...process.env, ...surroundings, ADJUTANT_FAILPOINT: failpoint }]
      const child = spawn(process.execPath, [...before, ...args], {
        ...{ cwd: project, env, stdio: ["ignore", "pipe", "pipe"] }
      })
      const pieces: Array<string> = []
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => pieces.push(String(bytes)))
      const ended = new Promise<number | string>((resolve) => {
        child.on("close", (code, signal) => resolve(code ?? `signal ${signal}`))
      })
      const said = () => pieces.join("")
      return {
        child,
        pid: child.pid ?? 0,
        said,
        signal: (signal) => Effect.sync(() => void child.kill(signal)),
        exit: Effect.promise(() => ended),
        hasSaid: (text, times = 1) =>
          until(`the daemon to say ${JSON.stringify(text)}`, said, () => {
            if (said().split(text).length > times) return true
            if (child.exitCode !== null) throw new Error(`the daemon left with ${child.exitCode}:\n${said()}`)
            return undefined
          })
      }
    }),
    ({ child, exit }) =>
      Effect.suspend(() => {
        if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
        return exit
      })
  )

/**
 * The embedded hub: as much of a Koji hub as a builder needs, over real HTTP, on one machine.
 *
 * It keeps its state in the tree it serves, so starting it again on the same tree goes on where it stopped.
 */
import { mkdirSync, realpathSync } from "node:fs"
import { Context, Effect, Layer, Schema, type Scope, Semaphore } from "effect"
import { pathInfo } from "../koji/Paths.ts"
import { Database } from "./Database.ts"
import type { Hub } from "./Dispatcher.ts"
import { type ListenError, listen } from "./HttpServer.ts"
import { bodyBytesMax, type Disturb, hubServer } from "./HubServer.ts"
import { defaultOptions, type HubOptions } from "./Options.ts"
import { tables, tablesVersion } from "./Tables.ts"
import { views } from "./Views.ts"

export interface HubSimOptions {
  /** The top of Koji's tree; made if it is not there. */
  readonly topdir: string
  readonly host?: string
  /** 0, the default, is any port that is free. */
  readonly port?: number
  readonly options?: Partial<HubOptions>
  /** For tests: what becomes of each exchange on its way. */
  readonly disturb?: Disturb
}

export interface RunningHub {
  /** For calls and uploads: a builder's `server`. */
  readonly url: string
  /** For files: a builder's `topurl`. */
  readonly filesUrl: string
  readonly port: number
  /** For `Seed`. */
  readonly hub: Hub
}

/** The tree cannot be used: no permission, no space, or another hub has it. */
export class TopdirError extends Schema.TaggedError<TopdirError>()("TopdirError", {
  topdir: Schema.String,
  message: Schema.String
}) {}

const directories = ["packages", "repos", "work", "scratch"]
/** Below the top of the tree. */
export const databaseFile = "hubsim.sqlite"

/** A hub that is spoken to in this process (`answerCall`, `answerUpload`), until the scope closes. */
export const openHub = ({
  topdir,
  options
}: Pick<HubSimOptions, "topdir" | "options">): Effect.Effect<Hub, TopdirError, Scope.Scope> =>
  Effect.gen(function* () {
    const turn = yield* Semaphore.make(1)
    const opened = Effect.try({
      try: () => {
        for (const directory of directories) mkdirSync(`${topdir}/${directory}`, { recursive: true })
        const top = realpathSync(topdir)
        return { db: new Database(`${top}/${databaseFile}`, `${tables}${views}`, tablesVersion), paths: pathInfo(top) }
      },
      catch: (error) => new TopdirError({ topdir, message: error instanceof Error ? error.message : `${error}` })
    })
    const { db, paths } = yield* Effect.acquireRelease(opened, ({ db }) => Effect.sync(() => db.close()))
    return { db, paths, turn, options: { ...defaultOptions, ...options } }
  })

/** Serves a hub until the scope closes. */
export const serve: (options: HubSimOptions) => Effect.Effect<RunningHub, TopdirError | ListenError, Scope.Scope> =
  Effect.fn("HubSim.serve")(function* (options) {
    const hub = yield* openHub(options)
    const host = options.host ?? "127.0.0.1"
    const disturb = options.disturb ?? (() => ({ _tag: "None" }))
    const port = yield* listen({ host, port: options.port ?? 0, bodyBytesMax }, hubServer(hub, disturb))
    const origin = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
    return { url: `${origin}/kojihub`, filesUrl: `${origin}/kojifiles`, port, hub }
  })

export class HubSim extends Context.Service<HubSim, RunningHub>()("adjutant/hubsim/HubSim") {
  static readonly layer = (options: HubSimOptions) => Layer.effect(HubSim, serve(options))
}

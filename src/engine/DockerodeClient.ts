/**
 * The engine's API as typed effects over dockerode. This file knows dockerode, and nothing of steps.
 *
 * What dockerode would do wrong for us is avoided here: options of a `POST` go to the query *and* the body unless they
 * are split (`_query`, `_body`); a log that is not followed is read whole into memory; an answer that breaks off in its
 * middle is waited for without end, so long answers are dialled as streams; `DOCKER_HOST` in our environment would win
 * over the socket that we were given.
 */

import { IncomingMessage } from "node:http"
import { Duplex, Readable } from "node:stream"
import Dockerode from "dockerode"
import { Clock, Effect, Schedule, Schema, Stream } from "effect"
import type { CreateBody } from "./CreateBody.ts"
import { EngineError, type TerminalSize } from "./Engine.ts"
import * as Answer from "./EngineAnswers.ts"
import { type About, ask, body, call, items, named, progress } from "./EngineCalls.ts"
import { changedMeanwhile, statusOf } from "./EngineFault.ts"

/** Time for a call that only asks or flips a state. */
const quickSeconds = 60
/** A removal or a kill waits for the kernel: large layers, a process in uninterruptible sleep. */
const removalSeconds = 180
/** A commit or an import moves gigabytes. */
const bulkSeconds = 3600
/** How often Podman looks whether a container has ended; Docker is told by the kernel. */
const podmanWaitInterval = "100ms"

export interface LogRequest {
  readonly follow: boolean
  readonly timestamps: boolean
  /** `seconds.nanoseconds`, inclusive; from the start if there is none. */
  readonly since?: string
  /** No more than so many entries, the last ones. */
  readonly tail?: number
}

type Labels = Readonly<Record<string, string>>

/** The calls of an engine's API that we make; the memory engine answers them too. */
export type EngineClient = ReturnType<typeof dockerodeClient>

/** A client on this unix socket. Making it opens nothing. */
export const dockerodeClient = (socketPath: string) => {
  const docker = new Dockerode({ socketPath, host: "", protocol: "http" })

  /** An answer's body as it comes, whenever it begins: Podman's begins when there is something to say. */
  const dialled = (about: About, method: string, path: string, options: Record<string, unknown>) =>
    body(about, "unlimited", (abortSignal) => {
      const statusCodes = { 200: true, 404: "no such container", 500: "server error" }
      const dial = { path, method, isStream: true, options, statusCodes, abortSignal }
      return new Promise((resolve, reject) => {
        docker.modem.dial(dial, (error, response) => (response instanceof Readable ? resolve(response) : reject(error)))
      })
    })

  const inspectContainer = (nameOrId: string) => {
    const about = { operation: "inspect", subject: nameOrId }
    const inspect = (abortSignal: AbortSignal) => docker.getContainer(nameOrId).inspect({ abortSignal })
    return named(about, lookedAgain(ask(about, quickSeconds, Answer.ContainerAnswer, inspect)))
  }

  return {
    /**
     * Who is there, in its own words: engine and version. The cheapest question there is; Podman answers `version` and
     * `info` by having the machine's package manager look up whose its helpers are, which takes seconds of a busy one.
     */
    ping: call({ operation: "ping", subject: socketPath }, quickSeconds, async (abortSignal) => {
      const statusCodes = { 200: true, 500: "server error" }
      const dial = { path: "/_ping", method: "GET", isStream: true, options: {}, statusCodes, abortSignal }
      const answer = await new Promise<unknown>((resolve, reject) => {
        docker.modem.dial(dial, (error, response) => (error ? reject(error) : resolve(response)))
      })
      if (!(answer instanceof IncomingMessage)) return ""
      answer.resume()
      return String(answer.headers.server ?? "")
    }),
    version: ask({ operation: "version", subject: socketPath }, quickSeconds, Answer.VersionAnswer, () =>
      docker.version()
    ),
    info: ask({ operation: "info", subject: socketPath }, quickSeconds, Answer.InfoAnswer, () => docker.info()),

    /** The id of the new container. */
    createContainer: (name: string, create: CreateBody) => {
      const about = { operation: "create", subject: name }
      const options = { name, _query: { name }, _body: create }
      const made = call(about, quickSeconds, (abortSignal) => docker.createContainer({ ...options, abortSignal }))
      return named(
        about,
        Effect.map(made, ({ id }) => id)
      )
    },
    /** Succeeds when it runs already. */
    startContainer: (id: string) =>
      call({ operation: "start", subject: id }, quickSeconds, async (abortSignal) => {
        await docker
          .getContainer(id)
          .start({ abortSignal })
          .catch((cause) => (statusOf(cause) === 304 ? undefined : Promise.reject(cause)))
      }),
    inspectContainer,
    /**
     * Returns once the container does not run, at once if it does not; it must have been started. Podman is asked in its
     * own API: its answer to Docker's question looks without a pause, and takes a third of a processor for each step.
     * It forgets an exit code five minutes after the end, and fails to wait for what has long ended.
     */
    waitContainer: (id: string, kind: "docker" | "podman") => {
      const about = { operation: "wait", subject: id }
      const waiting =
        kind === "docker"
          ? dialled(about, "POST", `/containers/${id}/wait?`, { condition: "not-running" })
          : dialled(about, "POST", `/v4.0.0/libpod/containers/${id}/wait?`, { interval: podmanWaitInterval })
      return waiting.pipe(
        Stream.decodeText,
        Stream.mkString,
        Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(Answer.WaitAnswer))),
        Effect.catchTag("SchemaError", (error) =>
          Effect.fail(new EngineError({ ...about, reason: "unreachable", message: `broken off: ${error.message}` }))
        ),
        Effect.asVoid,
        Effect.catchIf(
          ({ message }) => forgotten.test(message),
          (error) => Effect.flatMap(inspectContainer(id), ({ State }) => (State.Running ? error : Effect.void))
        )
      )
    },
    /** SIGKILL. Succeeds when it does not run any more; and when Podman has killed it and lost patience with its conmon. */
    killContainer: (id: string) =>
      call({ operation: "kill", subject: id }, removalSeconds, (abortSignal) =>
        docker.getContainer(id).kill({ signal: "SIGKILL", abortSignal })
      ).pipe(
        Effect.catchIf(
          ({ reason, message }) => reason === "conflict" || reason === "missing" || slowConmon.test(message),
          () => Effect.void
        ),
        Effect.asVoid
      ),
    /** Kills it if need be and takes its anonymous volumes along. Fails with `missing` when it is not there. */
    removeContainer: (nameOrId: string) => {
      const about = { operation: "remove", subject: nameOrId }
      const remove = (abortSignal: AbortSignal) =>
        docker.getContainer(nameOrId).remove({ force: true, v: true, abortSignal })
      return named(about, Effect.asVoid(call(about, removalSeconds, remove)))
    },
    /** The raw log stream, as much of it as asked for; a followed one ends some time after the container. */
    containerLog: (id: string, request: LogRequest) => {
      const options = { ...request, stdout: true, stderr: true }
      return dialled({ operation: "logs", subject: id }, "GET", `/containers/${id}/logs?`, options)
    },
    /** Both ends of the container's terminal, which it must have; to be had before it is started, so that nothing is missed. */
    attachTerminal: (id: string) => {
      const about = { operation: "attach", subject: id }
      // Whatever body the request has, and be it that it ends, Podman takes for what is typed: it has none.
      const dial = {
        ...{ path: `/containers/${id}/attach?`, method: "POST", file: Buffer.alloc(0), isStream: true, hijack: true },
        ...{
          options: { stream: true, stdin: true, stdout: true, stderr: true },
          statusCodes: { 404: "no such container" }
        }
      }
      const attach = call(
        about,
        quickSeconds,
        (abortSignal) =>
          new Promise<Duplex>((resolve, reject) => {
            docker.modem.dial({ ...dial, abortSignal }, (error, both) =>
              both instanceof Duplex ? resolve(both) : reject(error)
            )
          })
      )
      return Effect.map(
        Effect.acquireRelease(attach, (both) => Effect.sync(() => both.end())),
        (both) => ({
          output: body(about, "unlimited", () => Promise.resolve(both)),
          write: (bytes: Uint8Array): Effect.Effect<void> => Effect.sync(() => void both.write(bytes)),
          end: Effect.sync((): void => void both.end())
        })
      )
    },
    /** The size of a running container's terminal. */
    resizeTerminal: (id: string, { columns, rows }: TerminalSize) =>
      call({ operation: "resize", subject: id }, quickSeconds, (abortSignal) =>
        docker.getContainer(id).resize({ w: columns, h: rows, abortSignal })
      ).pipe(Effect.asVoid),
    /**
     * Whether this happened to the container between these times (milliseconds since the epoch): the engine itself was told
     * to kill it; or it ended, and the engine was there. Docker forgets the events of its life before, and old ones.
     * Podman stops reading its events at the later time whether it has come to it or not: it is asked after that, for all
     * that it has.
     */
    sawHappen: Effect.fnUntraced(function* (
      id: string,
      kind: "docker" | "podman",
      event: "kill" | "die",
      since: number,
      until: number
    ) {
      const about = { operation: "events", subject: id }
      const [first, last] = [Math.floor(since / 1000), Math.ceil(until / 1000)]
      const filters = JSON.stringify({ container: [id], event: [event] })
      const times = kind === "docker" ? { since: first, until: last } : { since: first, stream: false }
      const events = body(about, quickSeconds, (abortSignal) => docker.getEvents({ ...times, filters, abortSignal }))
      if (kind === "podman") yield* Effect.sleep(Math.max(0, until - (yield* Clock.currentTimeMillis)))
      return yield* items(about, Answer.EventItem, events).pipe(
        Stream.filter(({ Action, time }) => Action === event && time <= last),
        Stream.runCount,
        Effect.map((count) => count > 0),
        // Podman may meet an event of which only the half is written.
        Effect.retry({
          while: ({ reason }) => reason === "refused",
          times: looksMax,
          schedule: Schedule.spaced(lookInterval)
        }),
        Effect.timeoutOrElse({ duration: `${quickSeconds} seconds`, orElse: () => Effect.succeed(false) })
      )
    }),
    listContainers: (labels: Labels) =>
      lookedAgain(
        ask({ operation: "list", subject: "containers" }, quickSeconds, Answer.ContainerListAnswer, (abortSignal) =>
          docker.listContainers({ all: true, filters: { label: pairs(labels) }, abortSignal })
        )
      ),
    /** The id of the image made of a container that has ended. Podman insists on a body, though it reads the query. */
    commitContainer: (id: string, reference: string, labels: Labels) => {
      const { repository, tag } = splitReference(reference)
      const query = { container: id, repo: repository, tag, pause: false, changes: changesOf(labels) }
      return ask({ operation: "commit", subject: id }, bulkSeconds, Answer.CommitAnswer, (abortSignal) =>
        docker.getContainer(id).commit({ _query: query, _body: { Labels: labels }, abortSignal })
      ).pipe(Effect.map(({ Id }) => (Id.startsWith("sha256:") ? Id : `sha256:${Id}`)))
    },

    inspectImage: (reference: string) => {
      const about = { operation: "inspect", subject: reference }
      const inspect = () => docker.getImage(reference).inspect()
      return named(about, lookedAgain(ask(about, quickSeconds, Answer.ImageAnswer, inspect)))
    },
    /** Images with at least one of the labels: asked for two at once, Podman 4.3 finds none. */
    listImages: (labels: Labels) =>
      lookedAgain(
        ask({ operation: "list", subject: "images" }, quickSeconds, Answer.ImageListAnswer, (abortSignal) =>
          docker.listImages({ filters: { label: pairs(labels).slice(0, 1) }, abortSignal })
        )
      ),
    removeImage: (reference: string) => {
      const about = { operation: "remove", subject: reference }
      const remove = (abortSignal: AbortSignal) => docker.getImage(reference).remove({ force: false, abortSignal })
      return named(about, Effect.asVoid(call(about, removalSeconds, remove)))
    },
    /** The pull's progress, a text an item; it fails with the registry's or the engine's words. */
    pull: (reference: string) => {
      const about = { operation: "pull", subject: reference }
      const { repository, tag } = splitReference(reference)
      const pull = (abortSignal: AbortSignal) => docker.createImage({ fromImage: repository, tag, abortSignal })
      return progress(about, body(about, bulkSeconds, pull))
    },
    /** An import's progress; the last text is the image's id. */
    importImage: (tar: Readable, reference: string, labels: Labels) => {
      const about = { operation: "import", subject: reference }
      // The tag goes with the name: Podman does not see a parameter of its own for it.
      const options = { repo: reference, changes: changesOf(labels) }
      const load = (abortSignal: AbortSignal) => docker.importImage(tar, { ...options, abortSignal })
      return progress(about, body(about, bulkSeconds, load))
    }
  }
}

/** Looks again when what was looked at changed meanwhile, which spoils the whole answer. */
const lookedAgain = <A>(look: Effect.Effect<A, EngineError>) =>
  Effect.retry(look, { while: changedMeanwhile, times: looksMax, schedule: Schedule.spaced(lookInterval) })
const looksMax = 50
const lookInterval = "20 millis"

/** Podman's words when what it killed is not said to have ended within five seconds. */
const slowConmon = /timed out waiting for file/
/** Podman's words for an exit code that it does not have any more, or never had. */
const forgotten = /no such exit code/

const pairs = (labels: Labels): Array<string> => Object.entries(labels).map(([name, value]) => `${name}=${value}`)

const changesOf = (labels: Labels): Array<string> => pairs(labels).map((pair) => `LABEL ${pair}`)

/** `name` and `tag` (or digest) of a reference; without either it is `latest`, or the engine would pull every tag. */
const splitReference = (reference: string): { readonly repository: string; readonly tag: string } => {
  const at = reference.indexOf("@")
  if (at >= 0) return { repository: reference.slice(0, at), tag: reference.slice(at + 1) }
  const colon = reference.lastIndexOf(":")
  if (colon > reference.lastIndexOf("/")) {
    return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) }
  }
  return { repository: reference, tag: "latest" }
}

/** The container engine port: what a build worker needs of Docker or Podman, and nothing more. */
import { Context, Effect, Schema, type Stream } from "effect"
import type { ContainerExit, ContainerSpec } from "./ContainerSpec.ts"

/** Something the engine refused, could not do, or did not answer. `reason` is what callers act on. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", {
  operation: Schema.String,
  /** The container, image or volume concerned. */
  subject: Schema.String,
  /** unreachable: the engine does not answer. missing: no such thing. conflict: the name is taken. refused: it said no. timeout: it took too long. */
  reason: Schema.Literals(["unreachable", "missing", "conflict", "refused", "timeout", "wrong-architecture"]),
  message: Schema.String
}) {}

export interface EngineInfo {
  readonly kind: "docker" | "podman"
  readonly version: string
  readonly apiVersion: string
  readonly dataRoot: string
  readonly architecture: string
  readonly rootless: boolean
  /** Whether memory and pids limits take effect (rootless on cgroup v1 ignores them silently). */
  readonly limitsEnforced: boolean
  readonly selinux: boolean
  readonly liveRestore: boolean
  /** `overlay2`, say. */
  readonly storageDriver: string
}

export interface ImageInfo {
  /** `sha256:…`: what a step runs by. */
  readonly id: string
  readonly references: ReadonlyArray<string>
  readonly architecture: string
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly labels: Readonly<Record<string, string>>
}

export interface ContainerSummary {
  readonly name: string
  readonly id: string
  readonly image: string
  readonly running: boolean
  readonly labels: Readonly<Record<string, string>>
}

export type PullPolicy = "if-not-present" | "always" | "never"

/** What happens to a container, told before anything depends on it. */
export type ContainerEvent =
  | { readonly _tag: "Created"; readonly name: string; readonly id: string }
  | { readonly _tag: "Started"; readonly name: string; readonly startedAt: number }
  | { readonly _tag: "Exited"; readonly name: string; readonly exit: ContainerExit }
  | { readonly _tag: "Removed"; readonly name: string }

/**
 * Whether a container is left running when its `run` or `adopt` is cut short, for the next daemon to adopt. Read by the
 * finaliser; set by whoever hands over. The default is that nothing outlives its scope.
 */
export const leaveRunning = Context.Reference<Effect.Effect<boolean>>("adjutant/engine/leaveRunning", {
  defaultValue: () => Effect.succeed(false)
})

/** Where a step's raw output goes. Called in order, one call at a time; the engine waits for each. */
export interface OutputSink {
  write(from: "stdout" | "stderr", bytes: Uint8Array): Effect.Effect<void>
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** Where somebody sits. */
export interface Terminal {
  /** What is typed, byte by byte: the terminal interprets nothing. Its end is the end of the command's input. */
  readonly input: Stream.Stream<Uint8Array>
  /** Its size: now, and whenever it changes. */
  readonly sizes: Stream.Stream<TerminalSize>
  show(bytes: Uint8Array): Effect.Effect<void>
}

export class Engine extends Context.Service<
  Engine,
  {
    /** What answers on the socket. Fails with `unreachable` when nothing does. */
    readonly info: Effect.Effect<EngineInfo, EngineError>
    /**
     * Runs one step to its end: creates, starts, captures every byte of output, waits, commits if asked, removes.
     * The container is gone when this returns, however it returns; interruption kills it at once. `watch` hears of
     * each transition before the next one begins; its failure ends the step. Joined output comes as `stdout`. An
     * engine that goes away while the command runs is waited for, for less than a minute (`unreachable` after that); a
     * command that ended meanwhile is `Uncertain`, on Podman only if by a signal. Fails with `conflict` when a container of this name is there already.
     */
    run<E>(
      spec: ContainerSpec,
      sink: OutputSink,
      watch: (event: ContainerEvent) => Effect.Effect<void, E>
    ): Effect.Effect<ContainerExit, EngineError | E>
    /**
     * Goes on with a step whose container an earlier process created: the rest of its output, its end, its removal, all
     * as in `run`. `held` is how much of the output the sink has already: so many bytes are passed over. `watch`
     * hears of every transition from `Created` on, those included that happened before. A container that ended by a
     * signal while nobody watched, or on an earlier boot of the machine, is `Uncertain`. Fails with `missing` when
     * there is none that was ever started (one that was only created is removed), with `conflict` when it is not of
     * the instance that the spec's labels name.
     */
    adopt<E>(
      spec: ContainerSpec,
      sink: OutputSink,
      watch: (event: ContainerEvent) => Effect.Effect<void, E>,
      held: { readonly stdout: number; readonly stderr: number }
    ): Effect.Effect<ContainerExit, EngineError | E>
    /**
     * Runs a step at somebody's terminal and gives the command's exit code. Nothing of what passes is kept, and the limits
     * of time, silence, output and disk do not hold: whoever sits there is in charge. The container is gone when this
     * returns, however it returns.
     */
    interact(spec: ContainerSpec, terminal: Terminal): Effect.Effect<number, EngineError>
    /** Containers that carry all of these labels, running or not. */
    list(labels: Readonly<Record<string, string>>): Effect.Effect<ReadonlyArray<ContainerSummary>, EngineError>
    /** Kills and removes; succeeds when it is not there. True if there was something to remove. */
    remove(name: string): Effect.Effect<boolean, EngineError>
    /** Undefined when the engine has no such image. */
    inspectImage(reference: string): Effect.Effect<ImageInfo | undefined, EngineError>
    /**
     * The image of this reference, pulled as the policy says. `architecture` is the machine that is to run it, by the
     * engine's name or the kernel's (`amd64`, `x86_64`), which may run others as well (`386`). Fails with `missing` (never, and not there), `timeout`
     * (in all, or without progress), `refused` (the registry's words in the message), `wrong-architecture`.
     */
    ensureImage(
      reference: string,
      options: {
        readonly policy: PullPolicy
        readonly timeoutSeconds: number
        readonly inactivitySeconds: number
        readonly architecture: string | null
      }
    ): Effect.Effect<ImageInfo, EngineError>
    /**
     * Makes an image of an uncompressed tar of a root file system. Labels are plain: no quotes, white space, `$` or
     * backslashes, which the engines read differently.
     */
    importImage<E>(
      tar: Stream.Stream<Uint8Array, E>,
      reference: string,
      labels: Readonly<Record<string, string>>
    ): Effect.Effect<ImageInfo, EngineError | E>
    /** Images that carry all of these labels. */
    listImages(labels: Readonly<Record<string, string>>): Effect.Effect<ReadonlyArray<ImageInfo>, EngineError>
    /** Succeeds when it is not there; fails with `conflict` when a container uses it. */
    removeImage(reference: string): Effect.Effect<void, EngineError>
  }
>()("adjutant/engine/Engine") {}

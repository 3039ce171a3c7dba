/** `adjutant shell` as people use it, on real engines: a command, and a terminal. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { imageOwnerLabels, shellLabels } from "../../src/engine/Labels.ts"
import { adjutant } from "../cli/command.ts"
import { realEngine } from "../engine/realGround.ts"
import type { EngineName } from "../engines.ts"
import { keepFailed } from "./failedRoot.ts"

const main = join(import.meta.dirname, "../../src/main.ts")
const python = join(import.meta.dirname, "terminal.py")

/** What somebody does at a terminal where this command runs; its exit code, and what went wrong. */
const atTerminal = (args: ReadonlyArray<string>, doing: ReadonlyArray<string>) =>
  Effect.promise(
    () =>
      new Promise<{ readonly code: number | null; readonly err: string }>((resolve) => {
        const child = spawn("python3", [python, "100x30", process.execPath, main, ...args], {
          env: { PATH: "/usr/bin:/bin", TERM: "vt100" },
          stdio: ["pipe", "ignore", "pipe"]
        })
        let err = ""
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          err += text
        })
        child.on("close", (code) => resolve({ code, err }))
        child.stdin.end(doing.map((line) => `${line}\n`).join(""))
      })
  )

/** A root that is kept below a directory, and the configuration that says where. */
const place = (name: EngineName) =>
  Effect.gen(function* () {
    const real = realEngine(name)
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-shell-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const instance = `shell${process.pid}${name}`
    const engine = yield* Engine
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(engine.listImages(imageOwnerLabels(instance)), (images) =>
        Effect.forEach(images, ({ id }) => Effect.ignore(engine.removeImage(id)), { discard: true })
      ).pipe(Effect.ignore)
    )
    yield* keepFailed(directory, yield* real.ground(instance), "echo changed >/tmp/kept; echo last words; exit 1")
    const config = join(directory, "kojid.conf")
    const lines = [
      ...["[kojid]", "server = http://localhost/kojihub", "topurl = http://localhost/kojifiles"],
      ...["[adjutant]", `engine_socket = ${real.socketPath}`, `engine = ${name}`, `state_dir = ${directory}/state`]
    ]
    writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 })
    return { directory, args: ["shell", "--config", config], shells: engine.list(shellLabels(instance)) }
  }).pipe(Effect.orDie)

describe.each(["docker", "podman"] as const)("adjutant shell (%s)", (name) => {
  const { layer } = realEngine(name)

  it.live("runs a command in the root that a step failed in, and leaves with its exit code", () =>
    Effect.gen(function* () {
      const { args, shells, directory } = yield* place(name)
      const script = "cat /tmp/kept note; pwd; id -u; echo $WORD; echo more >note; echo err >&2; exit 7"
      const { code, out, err } = yield* adjutant([...args, "7", "--command", script])
      assert.strictEqual(out, "changed\nof the build\n/builddir\n1000\nkept\n")
      assert.strictEqual(code, 7, err)
      assert.match(err, /^Task 7, attempt 1 \(buildArch, x86_64\) failed in build\/1/)
      assert.match(err, /err\n$/)
      assert.strictEqual(readFileSync(join(directory, "state/roots/7-1/builddir/note"), "utf8"), "more\n")
      assert.deepStrictEqual(yield* shells, [])
      const asRoot = yield* adjutant([...args, "--root", "7", "--command", "id -u; touch /usr/made && ls /usr/made"])
      assert.strictEqual(asRoot.out, "0\n/usr/made\n", asRoot.err)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("gives its terminal to the root: keys, size, and what interrupts", () =>
    Effect.gen(function* () {
      const { args, shells } = yield* place(name)
      const { code, err } = yield* atTerminal(
        [...args, "7"],
        [
          ...["see last words", "see without a network", "see mock:~$ "],
          ...["type stty size", "see 30 100", "see mock:~$ "],
          ...["size 120x40", "type sleep 1; stty size", "see 40 120", "see mock:~$ "],
          ...["type sleep 1000 & wait || echo interrupted", "type \u0003", "see mock:~$ "],
          ...["type exit 9", "see exit"]
        ]
      )
      assert.strictEqual(code, 9, err)
      assert.deepStrictEqual(yield* shells, [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("is left by whoever closes the terminal", () =>
    Effect.gen(function* () {
      const { args, shells, directory } = yield* place(name)
      const { code, err } = yield* atTerminal([...args, "7"], ["see mock:~$ ", "type sleep 1000", "hangup"])
      assert.strictEqual(code, 0, err)
      assert.deepStrictEqual(yield* shells, [])
      const lines = readFileSync(join(directory, "state/shell.jsonl"), "utf8").trim().split("\n")
      assert.include(lines.at(-1), '"ShellClosed"')
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

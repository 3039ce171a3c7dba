/**
 * The service under a real systemd: installed as a package, started, reloaded, upgraded and rolled back in the middle of
 * a build, killed by its watchdog, stopped, removed. One machine for all of it: each test goes on where the one before it
 * left the machine.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { taskStates } from "../../src/koji/TaskState.ts"
import { isOver } from "./builder.ts"
import { whyNoMachine } from "./machine.ts"
import { free, letEnd, System } from "./system.ts"
import { reapService, reapTimer, service, Trial, trialLayer } from "./trial.ts"
import { patient, until } from "./until.ts"

const whyNot = whyNoMachine()

/** The service runs and takes tasks. */
const isUp = Effect.gen(function* () {
  const { machine } = yield* Trial
  yield* machine.becomes(service, "StatusText", "ready")
  assert.strictEqual(yield* machine.property(service, "ActiveState"), "active")
  return Number(yield* machine.property(service, "MainPID"))
})

/** The ids of a task's containers. */
const containersOf = (task: number) =>
  Effect.flatMap(Trial, ({ builder }) =>
    Effect.map(builder.containers(task), (found) => found.map(({ id, running }) => ({ id, running })))
  )

/** A process has gone on with the task, so many times. */
const resumed = Effect.fnUntraced(function* (task: number, times: number) {
  const { builder, machine } = yield* Trial
  let sight = ""
  yield* until(
    `task ${task} to be gone on with ${times} times`,
    () => sight,
    Effect.gen(function* () {
      assert.strictEqual(yield* builder.attempts(task), 1, "begun anew")
      const found = (yield* builder.events(task)).filter(({ _tag }) => _tag === "Resumed").length
      if (found >= times) return true
      sight = `${found} times\n${yield* machine.journal(service)}`
      return undefined
    })
  )
})

/** The build ends well, in its first attempt, with every tick in its log once and in order. */
const endsUntouched = Effect.fnUntraced(function* (task: number) {
  const system = yield* System
  const { builder } = yield* Trial
  const { state, message } = yield* letEnd(builder, task)
  assert.strictEqual(state, "CLOSED", message)
  assert.strictEqual(yield* builder.attempts(task), 1)
  yield* isOver(builder, task, "closed")
  const ticks = [...(yield* system.output(task, "build.log")).matchAll(/^tick (\d+)$/gm)].map(([, tick]) =>
    Number(tick)
  )
  assert.deepStrictEqual(
    ticks,
    ticks.map((_, at) => at + 1)
  )
  assert.deepStrictEqual(yield* builder.problems, [])
})

describe.skipIf(whyNot !== undefined)(`a builder under systemd${whyNot === undefined ? "" : ` (${whyNot})`}`, () => {
  layer(trialLayer, { excludeTestServices: true, timeout: "10 minutes" })((it) => {
    it.effect(
      "installs where what it needs is there, and is started when it is logged in",
      () =>
        Effect.gen(function* () {
          const { machine, needed, older } = yield* Trial
          const refused = yield* machine.run("rpm", "--force-debian", "-i", older)
          assert.notStrictEqual(refused.code, 0)
          assert.include(refused.text, "nodejs >= 22.19 is needed")
          assert.strictEqual(yield* machine.does("rpm", "--force-debian", "-i", needed), "")
          assert.strictEqual(yield* machine.does("rpm", "--force-debian", "-i", older), "")
          // Installing starts nothing: that is for whoever has written the configuration.
          assert.strictEqual(yield* machine.property(service, "UnitFileState"), "disabled")
          yield* machine.does("systemctl", "enable", "--now", service, reapTimer)
          assert.strictEqual(yield* machine.property(service, "ActiveState"), "active")
          yield* isUp
          const said = yield* machine.journal(service)
          assert.isBelow(said.indexOf("koji-adjutant is host "), said.indexOf("Started koji-adjutant.service"))
          assert.match(yield* machine.does("systemctl", "list-timers"), /koji-adjutant-reap\.timer/)
          // In words, with the journal's own time and priorities.
          assert.match(said, /adjutant\[\d+\]: status: ready$/m)
          const warnings = yield* machine.does("journalctl", "--priority=warning", `--unit=${service}`)
          assert.notInclude(warnings, "status: ready")
        }),
      patient
    )

    it.effect(
      "reloads when what runs has ended: a new program in the same process",
      () =>
        Effect.gen(function* () {
          const { machine, building } = yield* Trial
          const before = yield* isUp
          const task = yield* building("reloaded")
          yield* machine.does("systemctl", "reload", service)
          yield* machine.becomes(service, "SubState", "reload")
          yield* endsUntouched(task)
          yield* machine.becomes(service, "SubState", "running")
          assert.strictEqual(yield* isUp, before)
          assert.strictEqual(yield* machine.property(service, "NRestarts"), "0")
        }),
      patient
    )

    it.effect(
      "is upgraded and rolled back in the middle of a build, which notices neither",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { machine, building, older, newer } = yield* Trial
          const first = yield* isUp
          const task = yield* building("upgraded")
          const containers = yield* containersOf(task)
          assert.lengthOf(containers, 1)

          const change = Effect.fnUntraced(function* (release: number, ...command: ReadonlyArray<string>) {
            const said = yield* machine.does("rpm", "--force-debian", ...command)
            assert.include(said, "its builds run on until the next daemon takes them over")
            assert.strictEqual(yield* machine.does("rpm", "-q", "--qf", "%{RELEASE}", "koji-adjutant"), `${release}`)
          })
          const goneOnWith = Effect.fnUntraced(function* (times: number) {
            yield* resumed(task, times)
            assert.deepStrictEqual(yield* containersOf(task), containers)
            assert.strictEqual((yield* system.info(task)).state, taskStates.OPEN)
            return yield* isUp
          })
          yield* change(2, "-U", newer)
          const second = yield* goneOnWith(1)
          assert.notStrictEqual(second, first)

          // A hub that is away keeps neither the package manager waiting nor the old version from leaving.
          yield* system.disturb(() => ({ _tag: "Status", status: 503 }))
          yield* change(1, "-U", "--oldpackage", older)
          assert.strictEqual(yield* machine.property(service, "SubState"), "start")
          yield* system.disturb(() => ({ _tag: "None" }))
          assert.notStrictEqual(yield* goneOnWith(2), second)
          yield* endsUntouched(task)
          assert.strictEqual(yield* machine.property(service, "NRestarts"), "0")
        }),
      patient
    )

    it.effect(
      "is killed by its watchdog when the hub has been silent for too long, and the build goes on",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { machine, building, dropIn } = yield* Trial
          yield* dropIn(service, "watchdog", "[Service]", "WatchdogSec=20s", "RestartSec=1s")
          yield* machine.does("systemctl", "restart", service)
          yield* isUp
          const task = yield* building("watched")
          const containers = yield* containersOf(task)
          yield* system.disturb(() => ({ _tag: "Status", status: 503 }))
          yield* machine.becomes(service, "NRestarts", "1")
          assert.include(yield* machine.journal(service), "Watchdog timeout (limit 20s)!")
          // The next one waits for the hub, and no watchdog waits for it.
          yield* machine.becomes(service, "SubState", "start")
          assert.deepStrictEqual(yield* containersOf(task), containers)
          yield* system.disturb(() => ({ _tag: "None" }))
          yield* machine.becomes(service, "SubState", "running")
          yield* resumed(task, 1)
          assert.deepStrictEqual(yield* containersOf(task), containers)
          yield* endsUntouched(task)
          assert.strictEqual(yield* machine.property(service, "NRestarts"), "1")
          yield* machine.does("rm", `/etc/systemd/system/${service}.d/watchdog.conf`)
          yield* machine.does("systemctl", "daemon-reload")
        }),
      patient
    )

    it.effect(
      "frees what it has when it is stopped, and leaves no container",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { machine, builder, building } = yield* Trial
          yield* isUp
          const task = yield* building("stopped")
          yield* machine.does("systemctl", "stop", service)
          assert.strictEqual(yield* machine.property(service, "Result"), "success")
          assert.strictEqual(yield* machine.property(service, "StatusText"), "freeing 1 tasks")
          assert.strictEqual((yield* system.info(task)).state, free)
          assert.deepStrictEqual(yield* containersOf(task), [])
          yield* machine.does("systemctl", "start", service)
          assert.strictEqual((yield* letEnd(builder, task)).state, "CLOSED")
          assert.strictEqual(yield* builder.attempts(task), 2)
          yield* isOver(builder, task, "closed")
        }),
      patient
    )

    it.effect(
      "has a timer sweep behind it, which takes nothing from a daemon that may come back",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { machine, builder, building, dropIn } = yield* Trial
          yield* isUp
          const task = yield* building("swept")
          const swept = Effect.fnUntraced(function* (saying: RegExp) {
            // As if five minutes were over.
            yield* dropIn(reapTimer, "soon", "[Timer]", "OnActiveSec=1s", "RandomizedDelaySec=0", "AccuracySec=100ms")
            yield* machine.does("systemctl", "restart", reapTimer)
            let said = ""
            yield* until(
              `the sweep to say ${saying}`,
              () => said,
              Effect.map(machine.journal(reapService), (text) => {
                said = text
                return saying.test(text) || undefined
              })
            )
            yield* machine.becomes(reapService, "ActiveState", "inactive")
            assert.strictEqual(yield* machine.property(reapService, "Result"), "success")
          })
          yield* swept(/a daemon \(process \d+\) holds .* sweeps by itself: nothing to do/)
          yield* machine.does("adjutant", "handover", "--config", builder.configFile)
          yield* machine.becomes(service, "ActiveState", "inactive")
          yield* swept(/left the container .* may come back/)
          assert.lengthOf(yield* containersOf(task), 1)
          // Nobody has been here for long.
          writeFileSync(join(builder.stateDirectory, "alive"), "0\n")
          yield* swept(/removed the container /)
          assert.deepStrictEqual(yield* containersOf(task), [])
          yield* machine.does("systemctl", "start", service)
          yield* resumed(task, 1)
          yield* system.cancel(task)
          yield* isOver(builder, task, "canceled")
          assert.deepStrictEqual(yield* builder.problems, [])
        }),
      patient
    )

    it.effect(
      "keeps from the daemon what it does not need, and nothing that it does",
      () =>
        Effect.gen(function* () {
          const { machine, builder } = yield* Trial
          // Where the kernel's log is read; the machine was booted without it, so as to write nothing into it.
          yield* machine.does("mknod", "/dev/kmsg", "c", "1", "11")
          yield* machine.write("/etc/kojid/kojid.keytab", "a keytab\n", "0600")
          yield* machine.write("/root/letter", "private\n")
          const needed = [
            "curl -sf --unix-socket /var/run/docker.sock http://engine/_ping",
            "cat /etc/kojid/kojid.keytab",
            "touch /var/tmp/kojid.ccache",
            `touch ${builder.stateDirectory}/probe`,
            `touch ${builder.logDirectory}/probe`,
            "dmesg"
          ]
          const kept = [
            "touch /etc/probe",
            "touch /usr/bin/adjutant",
            "touch /tmp/probe",
            "cat /root/letter",
            "dd if=/dev/zero of=/dev/kmsg bs=1 count=1",
            "mount -t tmpfs tmpfs /mnt",
            "unshare --user true",
            "mknod /var/tmp/probe c 1 3",
            "chroot / true",
            "date -s 2000-01-01"
          ]
          const tries = [...needed, ...kept].map((what) => `if ${what} >/dev/null; then echo "can: ${what}"; fi`)
          yield* machine.write("/usr/local/bin/probe", ["#!/bin/sh", ...tries, ""].join("\n"), "0755")
          const unit = (yield* machine.does("systemctl", "cat", service))
            .replace(/^Type=.*$/m, "Type=oneshot")
            .replace(/^ExecStart=.*$/m, "ExecStart=-/usr/local/bin/probe")
          yield* machine.write("/etc/systemd/system/probe.service", unit)
          yield* machine.does("systemctl", "daemon-reload")
          yield* machine.does("systemctl", "start", "probe.service")
          const said = yield* machine.journal("probe.service")
          const could = [...said.matchAll(/probe\[\d+\]: can: (.*)$/gm)].map(([, what]) => what)
          assert.deepStrictEqual(could, needed, said)
        }),
      patient
    )

    it.effect(
      "is well hardened, by systemd's own measure",
      () =>
        Effect.gen(function* () {
          const { machine } = yield* Trial
          for (const [unit, most] of [
            [service, 3.1],
            [reapService, 3.1]
          ] as const) {
            const { text } = yield* machine.run("systemd-analyze", "security", "--no-pager", unit)
            const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(text) ?? []
            assert.isAtMost(Number(exposure), most, text)
          }
        }),
      patient
    )

    it.effect(
      "is removed in the middle of a build: the task is given back, its records stay",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { machine, builder, building } = yield* Trial
          yield* isUp
          const task = yield* building("removed")
          yield* machine.does("rpm", "--force-debian", "-e", "koji-adjutant")
          assert.strictEqual((yield* system.info(task)).state, free)
          assert.deepStrictEqual(yield* containersOf(task), [])
          assert.strictEqual(yield* machine.property(service, "LoadState"), "not-found")
          assert.strictEqual(yield* machine.property(reapTimer, "ActiveState"), "inactive")
          assert.strictEqual((yield* machine.run("ls", "/usr/bin/adjutant")).code, 2)
          assert.include(readFileSync(join(builder.stateDirectory, "daemon.jsonl"), "utf8"), "Stopped")
        }),
      patient
    )
  })
})

/**
 * What a step cannot do: reach anything that it was not given, outlive its container, take more than its limits, or be
 * changed by the image it runs in. Each is tried from inside, on a real engine (attack cases 1-3, 7-9).
 */

import {
  chmodSync,
  chownSync,
  createReadStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeStream } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { callEngine, type EngineName } from "../engines.ts"
import { clean, type Ground, nothingLeft, runStep, stepOf } from "./EngineContract.ts"

const builder = { uid: 1000, gid: 135, user: "1000:135" }
const mebibyte = 1024 * 1024

/** A directory that belongs to the build user, gone with the test. */
const owned = Effect.acquireRelease(
  Effect.sync(() => {
    const path = mkdtempSync(join(tmpdir(), "adjutant-isolation-"))
    chownSync(path, builder.uid, builder.gid)
    chmodSync(path, 0o755)
    return path
  }),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Whether any process of the machine has this word in its arguments. */
const runsAnywhere = (word: string): boolean =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(word)
      } catch {
        return false
      }
    })

export const engineIsolationContract = (
  name: EngineName,
  socketPath: string,
  layer: Layer.Layer<Engine>,
  ground: (instance: string) => Effect.Effect<Ground, unknown, Engine>
) => {
  let grounds = 0
  const test = (
    sentence: string,
    story: (ground: Ground, directory: string) => Effect.Effect<void, unknown, Engine | Scope.Scope>
  ) =>
    it.live(sentence, () =>
      Effect.gen(function* () {
        const directory = yield* owned
        const stands = yield* ground(`isolation${process.pid}x${++grounds}`)
        yield* story(stands, directory).pipe(
          Effect.andThen(nothingLeft(stands)),
          Effect.ensuring(Effect.ignore(clean(stands)))
        )
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  const mount = (source: string, target: string, readOnly: boolean) =>
    ({ source, target, readOnly, relabel: "none" }) as const

  describe(`${name} gives a step what it was given`, () => {
    test("the environment, user, directory, host name and stdin are ours", (ground) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "ours", "env | sort; id -u; id -g; pwd; hostname; readlink /proc/self/fd/0", {
          user: builder.user,
          workingDirectory: "/tmp",
          environment: { PATH: "/usr/bin:/bin", HOME: "/builddir", LANG: "C.UTF-8" }
        })
        const lines = (yield* runStep(spec)).text().trim().split("\n")
        // Both engines add some of their own, whatever they are told.
        const engines = ["HOSTNAME=mock", "PWD=/tmp", "OLDPWD=/", "container=podman", "TERM=xterm"]
        assert.deepStrictEqual(
          lines.filter((line) => !engines.includes(line)),
          ["HOME=/builddir", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "1000", "135", "/tmp", "mock", "/dev/null"]
        )
      }))

    test("what is mounted to be read stays as it is, what is mounted to be written is written as the user", (ground, directory) =>
      Effect.gen(function* () {
        writeFileSync(join(directory, "file"), "before\n")
        chownSync(join(directory, "file"), builder.uid, builder.gid)
        const spec = stepOf(
          ground,
          "mounts",
          "cat /one; echo x > /read/file; echo x > /one; mount -o remount,rw /read; rm /read/file; echo new > /write/new; id -u",
          {
            user: builder.user,
            mounts: [
              mount(directory, "/read", true),
              mount(directory, "/write", false),
              mount(join(directory, "file"), "/one", true)
            ]
          }
        )
        const { text } = yield* runStep(spec)
        assert.match(text(), /^before\n/)
        assert.match(text(), /\n1000\n$/)
        assert.strictEqual(readFileSync(join(directory, "file"), "utf8"), "before\n")
        assert.strictEqual(readFileSync(join(directory, "new"), "utf8"), "new\n")
        assert.strictEqual(statSync(join(directory, "new")).uid, builder.uid)
      }))

    test("a mount with an SELinux label is a mount", (ground, directory) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "label", "echo private > /own/file", {
          user: builder.user,
          mounts: [{ ...mount(directory, "/own", false), relabel: "private" }]
        })
        assert.deepStrictEqual((yield* runStep(spec)).reason, { _tag: "Exited", code: 0 })
        assert.strictEqual(readFileSync(join(directory, "file"), "utf8"), "private\n")
      }))

    test("a mount of something that is not there is refused, and not made", (ground, directory) =>
      Effect.gen(function* () {
        const source = join(directory, "typing-error")
        for (const relabel of ["none", "private"] as const) {
          const spec = stepOf(ground, "missing", "exit 0", { mounts: [{ ...mount(source, "/it", true), relabel }] })
          assert.strictEqual((yield* Effect.flip(runStep(spec))).reason, "refused")
        }
        assert.deepStrictEqual(readdirSync(directory), [])
      }))

    test("a tmpfs has its size and runs programs, and a read-only root is one", (ground) =>
      Effect.gen(function* () {
        const script =
          "echo x > /file; cp /bin/true /tmp/true && /tmp/true && echo runs; head -c 8388608 /dev/zero > /tmp/big; ls -l /tmp/big | cut -d' ' -f5"
        const spec = stepOf(ground, "tmpfs", script, {
          readOnlyRoot: true,
          tmpfs: { "/tmp": 4 * mebibyte },
          user: builder.user
        })
        const { text } = yield* runStep(spec)
        assert.include(text(), "Read-only file system")
        assert.include(text(), "runs\n")
        assert.include(text(), "No space left on device")
      }))

    test("an imported image has its file capabilities, owners and modes", (ground, directory) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const script = [
          "import os, subprocess, struct",
          "os.makedirs('/tmp/root/etc')",
          "open('/tmp/root/etc/tool', 'w').close()",
          "os.chmod('/tmp/root/etc/tool', 0o2755)",
          "os.chown('/tmp/root/etc', 12, 34)",
          "os.setxattr('/tmp/root/etc/tool', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0))",
          "subprocess.run(['tar', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', '/tmp/root', '-cf', '/out/root.tar', '.'], check=True)"
        ].join("; ")
        const made = yield* runStep(
          stepOf(ground, "tar", "", {
            command: ["/usr/bin/python3", "-c", script],
            capabilities: "install",
            mounts: [mount(directory, "/out", false)]
          })
        )
        assert.deepStrictEqual(made.reason, { _tag: "Exited", code: 0 }, made.text())
        const tar = NodeStream.fromReadable<Uint8Array, unknown>({
          evaluate: () => createReadStream(join(directory, "root.tar")),
          onError: (error) => error
        })
        const image = yield* engine.importImage(tar, `localhost/${ground.instance}/attributes:1`, {})
        const { text: inspected } = yield* Effect.promise(() =>
          callEngine(socketPath, "GET", `/images/${image.id}/json`)
        )
        const layer = /"UpperDir":"([^"]*)"/.exec(inspected)?.[1] ?? ""
        const look =
          "import os; print(os.getxattr('/layer/etc/tool', 'security.capability').hex(), oct(os.stat('/layer/etc/tool').st_mode), os.stat('/layer/etc').st_uid, os.stat('/layer/etc').st_gid)"
        const { text } = yield* runStep(
          stepOf(ground, "look", "", {
            command: ["/usr/bin/python3", "-c", look],
            mounts: [mount(layer, "/layer", true)]
          })
        )
        assert.strictEqual(text(), "0100000200040000000000000000000000000000 0o102755 12 34\n")
        yield* engine.removeImage(image.id)
      }))

    test("the root of a build belongs to nobody who could change it for the next", (ground) =>
      Effect.gen(function* () {
        yield* runStep(stepOf(ground, "first", "echo left > /left", { capabilities: "install" }))
        const { text } = yield* runStep(stepOf(ground, "second", "ls /left"))
        assert.include(text(), "No such file")
      }))
  })

  describe(`${name} gives a step nothing else`, () => {
    const status = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"
    test("a build has no capability, no way to one, and a system call filter", (ground) =>
      Effect.gen(function* () {
        for (const user of ["0:0", builder.user]) {
          const { text } = yield* runStep(stepOf(ground, "caps", status, { user }))
          for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
            assert.match(text(), new RegExp(`Cap${set}:\\s0{16}\\n`))
          assert.match(text(), /NoNewPrivs:\s1\n/)
          assert.match(text(), /Seccomp:\s2\n/)
        }
      }))

    test("an install as root has what a package manager needs, and no more", (ground) =>
      Effect.gen(function* () {
        const { text } = yield* runStep(stepOf(ground, "install", status, { capabilities: "install" }))
        // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, SETGID 6, SETUID 7, SYS_CHROOT 18, SETFCAP 31 (capability.h)
        const granted = [0, 1, 3, 4, 6, 7, 18, 31].reduce((mask, bit) => mask + 2 ** bit, 0)
        const mask = granted.toString(16).padStart(16, "0")
        assert.match(text(), new RegExp(`CapEff:\\s${mask}\\n`))
        assert.match(text(), new RegExp(`CapBnd:\\s${mask}\\n`))
        assert.match(text(), /NoNewPrivs:\s1\n/)
      }))

    test("mounting, new namespaces, devices and the kernel's memory are refused to root", (ground) =>
      Effect.gen(function* () {
        const script = [
          "mount -t tmpfs none /mnt",
          "unshare --mount true",
          "mknod /tmp/disk b 8 0",
          "head -c 1 /proc/kcore",
          "head -c 1 /dev/kmsg",
          "echo 1 > /proc/sys/kernel/sysrq",
          "chroot / true"
        ]
        const each = script.map((command) => `(${command}) >/dev/null 2>&1 && echo "done: ${command}"`).join("; ")
        const { text } = yield* runStep(stepOf(ground, "refused", `${each}; echo end`))
        assert.strictEqual(text(), "end\n")
      }))

    test("without a network there is no route, no address, no name", (ground) =>
      Effect.gen(function* () {
        const script =
          "tail -n +2 /proc/net/route; grep -v ' lo$' /proc/net/if_inet6; ls /sys/class/net; getent hosts example.org || echo no name"
        const { text } = yield* runStep(stepOf(ground, "network", script))
        assert.strictEqual(text(), "lo\nno name\n")
      }))

    test("no engine's socket, no file of the host, no other process is to be seen", (ground) =>
      Effect.gen(function* () {
        const script =
          "find / -xdev -type s 2>/dev/null; ls /proc | grep -c '^[0-9]*$'; grep -c . /proc/self/mountinfo >/dev/null; grep -E ' (/home|/root|/var/lib/docker) ' /proc/self/mountinfo; echo end"
        const { text } = yield* runStep(stepOf(ground, "see", script))
        const [processes, ...rest] = text().split("\n")
        assert.isBelow(Number(processes), 8)
        assert.deepStrictEqual(rest, ["end", ""])
      }))

    test("what an image says of itself has no effect", (ground) =>
      Effect.gen(function* () {
        const image = yield* hostileImage(name, socketPath, ground)
        const volumes = yield* volumeNames(socketPath)
        const script =
          "env | grep -E 'LD_PRELOAD|BASH_ENV|EVIL'; id -u; pwd; cat /proc/1/comm; ls /evil-ran 2>&1; sleep 1.2; ls /evil-ran 2>&1"
        const { text, reason } = yield* runStep(stepOf(ground, "hostile", script, { image }))
        const [user, directory, init, ...rest] = text().split("\n")
        assert.deepStrictEqual([user, directory], ["0", "/"])
        assert.include(init, "init")
        assert.isTrue(rest.slice(0, 2).every((line) => line.includes("No such file")))
        assert.deepStrictEqual(reason._tag, "Exited")
        // An anonymous volume of the image's goes with its container.
        assert.deepStrictEqual(yield* volumeNames(socketPath), volumes)
        const commit = { reference: `localhost/${ground.instance}/no:1`, labels: {} }
        const error = yield* Effect.flip(runStep(stepOf(ground, "commits", "exit 0", { image, commit })))
        assert.include(error.message, "/evil-volume")
        yield* Effect.promise(() => callEngine(socketPath, "DELETE", `/images/${image}?force=1`))
      }))
  })

  describe(`${name} ends what goes too far`, () => {
    test("a process that was left behind by two forks and a session of its own", (ground) =>
      Effect.gen(function* () {
        const word = `31${process.pid}.5`
        const script = `(setsid sh -c 'trap "" TERM HUP; sleep ${word}' &) & sleep 0.3; echo started`
        const { reason } = yield* runStep(stepOf(ground, "daemon", script))
        assert.deepStrictEqual(reason, { _tag: "Exited", code: 0 })
        assert.isFalse(runsAnywhere(word))
      }))

    test("a fork bomb, at the number of processes", (ground) =>
      Effect.gen(function* () {
        const script = "while :; do sleep 60 & done"
        const { text, reason } = yield* runStep(
          stepOf(ground, "forks", script, { limits: { processes: 40, wallSeconds: 20 } })
        )
        assert.match(text(), /fork/i)
        assert.notDeepEqual(reason, { _tag: "Exited", code: 0 })
      }))

    test("open files, at their number", (ground) =>
      Effect.gen(function* () {
        const { text } = yield* runStep(
          stepOf(ground, "files", "ulimit -n; ulimit -Hn", { limits: { openFiles: 256 } })
        )
        assert.strictEqual(text(), "256\n256\n")
      }))

    test("a child that runs out of memory fails its step for want of memory", (ground) =>
      Effect.gen(function* () {
        const { reason } = yield* runStep(stepOf(ground, "child", "tail /dev/zero; echo survived; exit 5"))
        assert.strictEqual(reason._tag, "OutOfMemory")
        const fine = yield* runStep(stepOf(ground, "fine", "tail /dev/zero; exit 0"))
        assert.deepStrictEqual(fine.reason, { _tag: "Exited", code: 0 })
      }))

    const budget = { limits: { diskBytes: 64 * mebibyte, wallSeconds: 60 } }
    test("too many bytes in the container's own layer", (ground) =>
      Effect.gen(function* () {
        const script = "head -c 200000000 /dev/zero > /tmp/big; echo written; sleep 60"
        const { reason } = yield* runStep(stepOf(ground, "layer", script, budget))
        assert.deepStrictEqual(reason, { _tag: "LimitReached", limit: "disk", value: 64 * mebibyte })
      }))

    test("too many bytes in a mounted directory, at the end of a path longer than paths may be", (ground, directory) =>
      Effect.gen(function* () {
        const script =
          "cd /own; i=0; while [ $i -lt 60 ]; do mkdir -p dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd && cd d*; i=$((i+1)); done; head -c 200000000 /dev/zero > big; echo written; sleep 60"
        const spec = stepOf(ground, "deep", script, {
          ...budget,
          user: builder.user,
          mounts: [mount(directory, "/own", false)]
        })
        const { reason, text } = yield* runStep(spec)
        assert.deepStrictEqual(reason, { _tag: "LimitReached", limit: "disk", value: 64 * mebibyte }, text())
      }))

    test("too many files without a byte", (ground) =>
      Effect.gen(function* () {
        const script = "mkdir /tmp/many; cd /tmp/many; seq 30000 | xargs touch; echo made; sleep 60"
        const { reason } = yield* runStep(stepOf(ground, "inodes", script, budget))
        assert.deepStrictEqual(reason, { _tag: "LimitReached", limit: "disk", value: 64 * mebibyte })
      }))

    test("a flood of empty lines, which no reading keeps up with", (ground) =>
      Effect.gen(function* () {
        const outputBytes = mebibyte
        const { reason, exit } = yield* runStep(stepOf(ground, "empty", "yes ''", { limits: { outputBytes } }))
        assert.deepStrictEqual(reason, { _tag: "LimitReached", limit: "output", value: outputBytes })
        assert.isAtMost(exit.outputBytes, outputBytes)
      }))
  })
}

/** An image that tries everything an image's configuration can say. */
const hostileImage = Effect.fnUntraced(function* (name: EngineName, socketPath: string, ground: Ground) {
  const call = (method: string, path: string, body?: object) =>
    Effect.promise(() => callEngine(socketPath, method, path, body))
  const container = `${ground.instance}-hostile`
  yield* call("POST", `/containers/create?name=${container}`, { Image: ground.image, Cmd: ["true"] })
  const changes = [
    'ENTRYPOINT ["/bin/sh","-c","touch /evil-ran"]',
    'CMD ["evil"]',
    "ENV LD_PRELOAD=/evil.so",
    "ENV BASH_ENV=/evil.sh",
    "ENV EVIL=1",
    "USER 4242",
    "WORKDIR /evil",
    "VOLUME /evil-volume",
    // Podman's images are of OCI's format, which has no health checks.
    ...(name === "docker" ? ["HEALTHCHECK --interval=1s CMD touch /evil-ran"] : ["STOPSIGNAL SIGUSR1"])
  ]
  const query = changes.map((change) => `changes=${encodeURIComponent(change)}`).join("&")
  const reference = `localhost/${ground.instance}/hostile`
  const made = yield* call("POST", `/commit?container=${container}&repo=${reference}&tag=1&pause=false&${query}`, {
    StopSignal: "SIGUSR1"
  })
  yield* call("DELETE", `/containers/${container}?force=1&v=1`)
  const image = yield* call("GET", `/images/${reference}:1/json`)
  assert.match(image.text, /evil\.so/, made.text)
  return /"Id":"(?:sha256:)?([0-9a-f]{64})"/.exec(image.text)?.[1] ?? ""
})

const volumeNames = (socketPath: string) =>
  Effect.promise(async () => {
    const { text } = await callEngine(socketPath, "GET", "/volumes")
    return [...text.matchAll(/"Name":"([^"]*)"/g)].map(([, volume]) => volume).sort()
  })

import { assert, describe, it } from "@effect/vitest"
import { createBody, logMaximumBytes, objection } from "../../src/engine/CreateBody.ts"
import { stepOf } from "../contract/EngineContract.ts"

const ground = { image: `sha256:${"1".repeat(64)}`, instance: "abc", bootId: "boot" }
const spec = stepOf(ground, "build/1", "exit 0", { environment: { PATH: "/bin", LANG: "C" }, user: "1000:135" })
const plain = { engine: "docker", ends: "log", imageEnvironment: [], imageHealthcheck: false, init: true } as const

describe("the request that creates a container", () => {
  it("says everything, so that nothing of an image counts", () => {
    const body = createBody(spec, plain)
    assert.deepStrictEqual(body.Entrypoint, ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"])
    assert.deepStrictEqual(body.Cmd, spec.command)
    assert.strictEqual(body.Image, spec.image)
    assert.strictEqual(body.User, "1000:135")
    assert.strictEqual(body.WorkingDir, "/")
    assert.strictEqual(body.Hostname, "mock")
    assert.deepStrictEqual(body.Env, ["PATH=/bin", "LANG=C"])
    assert.deepStrictEqual("Healthcheck" in body && body.Healthcheck, { Test: ["NONE"] })
    assert.strictEqual(body.StopSignal, "SIGKILL")
    assert.isFalse(body.OpenStdin || body.AttachStdin || body.Tty)
    assert.deepStrictEqual(body.Labels, spec.labels)
  })

  it("grants no privilege, whatever the step", () => {
    for (const capabilities of ["build", "install"] as const) {
      const { HostConfig } = createBody({ ...spec, capabilities }, plain)
      assert.isFalse(HostConfig.Privileged)
      assert.deepStrictEqual(HostConfig.CapDrop, ["ALL"])
      assert.deepStrictEqual(HostConfig.SecurityOpt, ["no-new-privileges"])
      assert.notProperty(HostConfig, "Devices")
      assert.notProperty(HostConfig, "PidMode")
      assert.notProperty(HostConfig, "UsernsMode")
      assert.isFalse(HostConfig.AutoRemove)
      assert.notIncludeMembers<string>([...HostConfig.CapAdd], ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "MKNOD"])
      assert.lengthOf(HostConfig.CapAdd, capabilities === "build" ? 0 : 8)
    }
  })

  it("takes an image's variables away, in each engine's own way", () => {
    const imageEnvironment = ["PATH=/evil", "LD_PRELOAD=/evil.so", "EMPTY=", "ODD"]
    const docker = createBody(spec, { ...plain, imageEnvironment })
    assert.deepStrictEqual(docker.Env, ["PATH=/bin", "LANG=C", "LD_PRELOAD", "EMPTY", "ODD"])
    assert.notProperty(docker, "UnsetEnv")
    const podman = createBody(spec, { ...plain, engine: "podman", imageEnvironment })
    assert.deepStrictEqual(podman.Env, ["PATH=/bin", "LANG=C"])
    assert.deepStrictEqual("UnsetEnv" in podman && podman.UnsetEnv, ["LD_PRELOAD", "EMPTY", "ODD"])
  })

  it("sets every limit, and both of the users' limits that Podman asks for", () => {
    const { HostConfig } = createBody(spec, plain)
    assert.strictEqual(HostConfig.Memory, spec.limits.memoryBytes)
    assert.strictEqual(HostConfig.MemorySwap, spec.limits.memoryBytes)
    assert.strictEqual(HostConfig.NanoCpus, 1e9)
    assert.strictEqual(HostConfig.PidsLimit, spec.limits.processes)
    assert.deepStrictEqual(
      HostConfig.Ulimits.map(({ Name, Soft, Hard }) => [Name, Soft === Hard]),
      [
        ["nofile", true],
        ["nproc", true],
        ["core", true]
      ]
    )
  })

  it("keeps a log that is exact, and longer than the limit", () => {
    const docker = createBody(spec, plain).HostConfig.LogConfig
    assert.strictEqual(docker.Type, "local")
    assert.deepInclude(docker.Config, { "max-size": String(logMaximumBytes(spec.limits.outputBytes)), "max-file": "1" })
    assert.isAbove(logMaximumBytes(spec.limits.outputBytes), 10 * spec.limits.outputBytes)
    const podman = createBody(spec, { ...plain, engine: "podman" }).HostConfig.LogConfig
    assert.deepStrictEqual(podman, { Type: "k8s-file", Config: { "max-size": docker.Config["max-size"] } })
  })

  it("mounts by structure, and by the older notation only what SELinux is to see", () => {
    const mounts = [
      { source: "/odd:name", target: "/a", readOnly: true, relabel: "none" },
      { source: "/own", target: "/b", readOnly: false, relabel: "private" },
      { source: "/shared", target: "/c", readOnly: true, relabel: "shared" }
    ] as const
    const { HostConfig } = createBody({ ...spec, mounts }, plain)
    assert.deepStrictEqual(
      HostConfig.Mounts.map(({ Type, Source, Target, ReadOnly }) => [Type, Source, Target, ReadOnly]),
      [["bind", "/odd:name", "/a", true]]
    )
    assert.deepStrictEqual(HostConfig.Binds, ["/own:/b:rw,Z", "/shared:/c:ro,z"])
  })

  it("names its network, and has none unless it says so", () => {
    const mode = (network: typeof spec.network) => createBody({ ...spec, network }, plain).HostConfig.NetworkMode
    assert.deepStrictEqual([mode("none"), mode("host"), mode({ named: "builds" })], ["none", "host", "builds"])
  })
})

describe("a step that cannot be asked for", () => {
  it("is one whose labelled mount has a colon, whose image's volumes a commit would lose, or that has no command", () => {
    assert.isUndefined(objection(spec, ["/volume"]))
    const mounts = [{ source: "/odd:name", target: "/a", readOnly: true, relabel: "private" }] as const
    assert.include(objection({ ...spec, mounts }, []), "/odd:name")
    const commit = { reference: "localhost/x:1", labels: {} }
    assert.isUndefined(objection({ ...spec, commit }, []))
    assert.include(objection({ ...spec, commit }, ["/volume"]), "/volume")
    assert.include(objection({ ...spec, command: [] }, []), "no command")
  })
})

/** Podman from where its log files cannot be seen: the output comes through its API alone. */
import { readFileSync } from "node:fs"
import { Effect, Layer } from "effect"
import { dockerodeClient } from "../../src/engine/DockerodeClient.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { engineOver } from "../../src/engine/EngineService.ts"
import { engineOutputContract } from "../contract/EngineOutputContract.ts"
import { realEngine } from "./realGround.ts"

const { socketPath, ground } = realEngine("podman")

const layer = Layer.effect(
  Engine,
  engineOver(dockerodeClient(socketPath), {
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    exists: () => Effect.succeed(true),
    fileBytes: () => Effect.succeed(0),
    openGrowing: () => Effect.succeed(undefined),
    killedForMemory: () => Effect.succeed(false),
    outOfSpace: () => Effect.never
  })
)

engineOutputContract("Podman, whose log files are out of sight,", socketPath, layer, ground, "in turns")

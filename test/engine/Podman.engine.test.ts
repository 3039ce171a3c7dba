import { Stream } from "effect"
import { engineContract } from "../contract/EngineContract.ts"
import { smallTar } from "../engines.ts"
import { realEngine } from "./realGround.ts"

const { layer, ground } = realEngine("podman")

engineContract("Podman", layer, ground, (marker) => Stream.fromIterable(smallTar(marker)))

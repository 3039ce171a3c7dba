import { Stream } from "effect"
import { engineContract } from "../contract/EngineContract.ts"
import { smallTar } from "../engines.ts"
import { realEngine } from "./realGround.ts"

const { layer, ground } = realEngine("docker")

engineContract("Docker", layer, ground, (marker) => Stream.fromIterable(smallTar(marker)))

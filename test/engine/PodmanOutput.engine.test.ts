import { engineOutputContract } from "../contract/EngineOutputContract.ts"
import { realEngine } from "./realGround.ts"

const { socketPath, layer, ground } = realEngine("podman")

engineOutputContract("Podman", socketPath, layer, ground)

import { engineOutputContract } from "../contract/EngineOutputContract.ts"
import { realEngine } from "./realGround.ts"

const { socketPath, layer, ground } = realEngine("docker")

engineOutputContract("Docker", socketPath, layer, ground)

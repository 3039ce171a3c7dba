import { engineIsolationContract } from "../contract/EngineIsolationContract.ts"
import { realEngine } from "./realGround.ts"

const { socketPath, layer, ground } = realEngine("docker")

engineIsolationContract("docker", socketPath, layer, ground)

import { engineIsolationContract } from "../contract/EngineIsolationContract.ts"
import { realEngine } from "./realGround.ts"

const { socketPath, layer, ground } = realEngine("podman")

engineIsolationContract("podman", socketPath, layer, ground)

/** Every method of the hub by its name, and the methods about methods. */
import { Effect } from "effect"
import { buildMethods } from "./BuildMethods.ts"
import { buildrootMethods } from "./Buildroots.ts"
import { channelMethods } from "./Channels.ts"
import { eventMethods } from "./Events.ts"
import { externalRepoMethods } from "./ExternalRepos.ts"
import { groupMethods } from "./Groups.ts"
import { hostDaemonMethods } from "./HostMethods.ts"
import { hostMethods } from "./Hosts.ts"
import { type Method, method } from "./Method.ts"
import { policyMethods } from "./Policies.ts"
import { repoMethods } from "./RepoMethods.ts"
import { rpmMethods } from "./Rpms.ts"
import { sessionMethods } from "./SessionMethods.ts"
import { taggingMethods } from "./TaggingMethods.ts"
import { tagMethods } from "./TagMethods.ts"
import { targetMethods } from "./Targets.ts"
import { taskMethods } from "./TaskMethods.ts"
import { outputMethods } from "./TaskOutput.ts"
import { uploadMethods } from "./Uploads.ts"
import { userMethods } from "./Users.ts"
import { waitingMethods } from "./Waiting.ts"

const selfDescription: ReadonlyArray<Method> = [
  method("system.listMethods", "HandlerRegistry.system_listMethods()", () => Effect.succeed([...methods.keys()])),
  method("system.methodSignature", "HandlerRegistry.system_methodSignature(method)", () =>
    Effect.succeed("signatures not supported")
  ),
  // How clients probe for features: a text for a method that is there, nothing for one that is not.
  method("system.methodHelp", "HandlerRegistry.system_methodHelp(method)", (given) =>
    Effect.map(given.text("method"), (name) => {
      const found = methods.get(name)
      return found === undefined ? "" : `${name}(${found.signature.text})`
    })
  )
]

export const methods: ReadonlyMap<string, Method> = new Map(
  [
    ...sessionMethods,
    ...userMethods,
    ...hostMethods,
    ...channelMethods,
    ...hostDaemonMethods,
    ...taskMethods,
    ...waitingMethods,
    ...outputMethods,
    ...uploadMethods,
    ...eventMethods,
    ...tagMethods,
    ...targetMethods,
    ...groupMethods,
    ...externalRepoMethods,
    ...taggingMethods,
    ...buildMethods,
    ...rpmMethods,
    ...buildrootMethods,
    ...repoMethods,
    ...policyMethods,
    ...selfDescription
  ].map((found) => [found.name, found])
)

/** The model's hub as an older one: what that does not know is answered as it would, before the hub hears of it. */
import { faultCodes } from "../../src/koji/Fault.ts"
import type { HubCall, HubFate } from "./Hub.ts"

const unknown: ReadonlySet<string> = new Set([
  "host.getTasks",
  "host.refuseTask",
  "repo.request",
  "repo.checkRequest",
  "tagFirstChangeEvent",
  "tagLastChangeEvent"
])

/** Keywords that are younger than the methods. */
const younger: Readonly<Record<string, string>> = {
  "host.repoInit": "opts",
  getLastEvent: "strict",
  listTaggedRPMS: "draft"
}

/** What a hub before 1.34 does not know of repositories and refusals. */
export const before134 = ({ method, keywords }: HubCall): HubFate => {
  if (unknown.has(method)) {
    return { _tag: "Fault", code: faultCodes.GenericError, message: `Invalid method: ${method}` }
  }
  const keyword = younger[method]
  if (keyword !== undefined && keyword in keywords) {
    const message = `HostExports.${method.replace("host.", "")}() got an unexpected keyword argument '${keyword}'`
    return { _tag: "Fault", code: faultCodes.ParameterError, message }
  }
  return { _tag: "Done" }
}

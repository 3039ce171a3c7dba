/** What to do about a fault that the daemon ends with. The hub's own words come before this and are never changed. */
import type { HubFault } from "../hub/HubError.ts"
import { faultCodes } from "../koji/Fault.ts"

/** Undefined where the hub's words say it all. */
export const adviceOn = ({ method, code }: Pick<HubFault, "method" | "code">): string | undefined => {
  const { AuthError, AuthLockError } = faultCodes
  if (code !== AuthError && code !== AuthLockError) return undefined
  switch (method) {
    case "login":
      return "look at user and password in [kojid]; or the hub has blocked the user, or takes no passwords"
    case "sslLogin":
      return (
        "the web server let us in and the hub did not: the user must exist there, by the name that the certificate or " +
        "the principal has, and not be blocked"
      )
    case "exclusiveSession":
      return "another daemon has this host's session: end it, or take the session from it with --force-lock"
    case "host.getID":
      return "this user is not a builder there: an administrator makes it one with `koji add-host NAME ARCH...`"
    default:
      return "another daemon has taken this host's session, or the hub has closed it: tasks are left to it as they are"
  }
}

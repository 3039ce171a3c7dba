/** This machine's full name, found as Python's `socket.getfqdn()` finds it: by asking whose its own address is. */
import { lookup, lookupService } from "node:dns/promises"
import { hostname } from "node:os"
import { Effect } from "effect"

/** Any: what is asked for is the name beside it. */
const port = 80

export const fullHostName: Effect.Effect<string> = Effect.promise(async () => {
  const short = hostname()
  try {
    const { address } = await lookup(short)
    const { hostname: full } = await lookupService(address, port)
    return full.includes(".") ? full : short
  } catch {
    return short
  }
})

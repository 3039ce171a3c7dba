/** The model's daemons at the model's hub over real HTTP, through a proxy. */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HubTransport } from "../../src/hub/HubTransport.ts"
import { listen } from "../../src/hubsim/HttpServer.ts"
import { bodyBytesMax } from "../../src/hubsim/HubServer.ts"
import type { World } from "../model/World.ts"
import { hubProxy, type Mischief, numberHeader, type Words } from "./HubProxy.ts"

/** From now on the daemon's requests go over HTTP, and through the proxy; time stands still while one is under way. */
export const overHttp = (world: World, choose: (method: string) => Mischief | Words | undefined) =>
  Effect.gen(function* () {
    const { hub, time } = world
    const under = new Map<string, () => void>()
    const begin = (number: string) => under.set(number, time.begins())
    const end = (number: string) => under.get(number)?.()
    // Opening and closing take time of the machine's, too.
    begin("opening")
    yield* Effect.addFinalizer(() => Effect.sync(() => end("closing")))
    const port = yield* listen({ host: "127.0.0.1", port: 0, bodyBytesMax }, hub.served)
    const proxy = yield* hubProxy(`http://127.0.0.1:${port}`, choose, end)
    const services = yield* Layer.build(
      HubTransport.layerHttp(proxy.url).pipe(Layer.provide(NodeHttpClient.layerUndici))
    )
    const { exchange } = yield* Effect.provide(HubTransport, services)
    let numbers = 0
    hub.carrier = HubTransport.of({
      exchange: ({ headers, ...request }) =>
        Effect.suspend(() => {
          const number = String(++numbers)
          begin(number)
          return Effect.ensuring(
            exchange({ ...request, headers: { ...headers, [numberHeader]: number } }),
            Effect.sync(() => end(number))
          )
        })
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => void begin("closing")))
    end("opening")
    return proxy
  })

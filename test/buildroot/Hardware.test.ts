import { machine } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { hardwareText } from "../../src/buildroot/Hardware.ts"

describe("hw_info.log", () => {
  it.effect("names the architecture as the kernel and RPM do, and not as Node does", () =>
    Effect.gen(function* () {
      const lines = (yield* hardwareText("/")).split("\n")
      assert.include(lines, `Architecture: ${machine()}`)
      assert.includeMembers(["x86_64", "aarch64", "ppc64le", "s390x"], [machine()])
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { daemonLogLevel } from "../../src/cli/DaemonLogLevel.ts"

describe("what the daemon logs", () => {
  it("is what log_level says, unless the command line says something", () => {
    const configured = ["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] as const
    assert.deepStrictEqual(
      configured.map((level) => daemonLogLevel(level, "as configured")),
      ["Fatal", "Error", "Warn", "Info", "Debug"]
    )
    for (const level of configured) {
      assert.strictEqual(daemonLogLevel(level, "verbose"), "Info")
      assert.strictEqual(daemonLogLevel(level, "debug"), "Debug")
    }
  })
})

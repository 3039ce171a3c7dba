import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { defineConfig } from "vitest/config"
import { mutants } from "./mutants.ts"

const name = process.env["ADJUTANT_MUTANT"]
const mutant = mutants.find((one) => one.name === name)
const source = resolve(import.meta.dirname, "../../src")

/** The tests, over a source tree with one defect in it; with none, if no mutant is named. */
export default defineConfig({
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      load: (id) =>
        mutant !== undefined && id === resolve(source, mutant.file)
          ? readFileSync(id, "utf8").replace(mutant.find, () => mutant.put)
          : undefined
    }
  ],
  test: {
    root: resolve(import.meta.dirname, ".."),
    include: ["**/*.test.ts"],
    exclude: ["**/*.engine.test.ts", "**/*.whole.test.ts", "mutants/**"],
    // What was transformed for another run is not what this one is to test.
    fsModuleCache: false,
    testTimeout: 120_000,
    bail: 1
  }
})

import { defineConfig } from "vitest/config"

/**
 * Three parts. `fast` needs nothing but Node. `full` needs container engines, the tools image and the demo
 * repository, which scripts/test sets up; its files are called `*.engine.test.ts` and run one after another, since
 * they share two cores and two engines. `whole` is the whole system given bad input, for many minutes.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          root: import.meta.dirname,
          include: ["**/*.test.ts"],
          exclude: ["**/*.engine.test.ts", "**/*.whole.test.ts"],
          testTimeout: 60_000
        }
      },
      {
        test: {
          name: "full",
          root: import.meta.dirname,
          include: ["**/*.engine.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000
        }
      },
      {
        test: {
          name: "whole",
          root: import.meta.dirname,
          include: ["**/*.whole.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000
        }
      }
    ]
  }
})

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const project = join(import.meta.dirname, "..")
const root = join(project, "src")

/** Which folders a folder may import from. A new arrow here wants an ADR. */
const lower = ["core", "koji"]
const buildroot = [...lower, "engine", "hub", "journal", "mail"]
const tasks = [...buildroot, "buildroot"]
const inspect = [...lower, "engine", "journal"]
const mayImport: Record<string, ReadonlyArray<string>> = {
  core: [],
  koji: [],
  config: lower,
  journal: lower,
  engine: lower,
  hub: lower,
  mail: lower,
  buildroot,
  tasks,
  inspect,
  daemon: [...tasks, "tasks", "config"],
  preflight: [...tasks, "tasks", "config", "daemon"],
  workshop: [...tasks, "tasks", "config", "daemon", "inspect"],
  monitor: [...inspect, "inspect"],
  hubsim: [...lower, "hub"],
  cli: [...tasks, "tasks", "config", "daemon", "inspect", "workshop", "preflight", "monitor", "hubsim"]
}

/** The pure rooms may use Effect's data types, not its runtime. */
const pureRooms = ["core", "koji"]
const pureModules = [
  "Array",
  "BigInt",
  "Data",
  "Duration",
  "Encoding",
  "Equal",
  "Hash",
  "HashMap",
  "HashSet",
  "Match",
  "Number",
  "Option",
  "Order",
  "Predicate",
  "Record",
  "Redacted",
  "Result",
  "Schema",
  "SchemaTransformation",
  "SchemaGetter",
  "SchemaIssue",
  "String",
  "Struct",
  "Tuple"
]

/** Libraries that talk to the world, and the one file each may be imported in. */
const oneHome: Record<string, ReadonlyArray<string>> = {
  dockerode: ["engine/DockerodeClient.ts"],
  nodemailer: ["mail/Smtp.ts"],
  xmlrpc: ["hub/XmlRpcEncoder.ts"]
}

/** Time, chance, environment and the terminal come in through services; each has its one home. */
const impure = /\b(Date\.now|new Date\(\)|Math\.random|process\.env|process\.argv|console\.)/
const homesOfTheImpure = ["main.ts", "daemonMain.ts"]

const looksAway = /\bas any\b|@ts-ignore|@ts-expect-error|biome-ignore|[\w)\]]!\.|\bTODO\b|\bFIXME\b/

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))

describe("tidy", () => {
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8")
    const folder = file.includes("/") ? (file.split("/")[0] ?? "") : "main"
    it(file, () => {
      const allowed = folder === "main" ? Object.keys(mayImport) : mayImport[folder]
      assert.isDefined(allowed, `${folder}: every folder says what it may import`)
      for (const [, names = "", from = ""] of text.matchAll(/(?:import|export) (?:type )?([^"]*?) from "(.*?)"/gs)) {
        if (from.startsWith(".")) {
          const target = relative(root, join(root, file, "..", from)).split("/")[0] ?? ""
          const atTheTop = folder === "main" && target.endsWith(".ts")
          assert.isTrue(
            target === folder || atTheTop || (allowed ?? []).includes(target),
            `${folder} must not import ${target}`
          )
        } else if (pureRooms.includes(folder)) {
          assert.strictEqual(from, "effect", `${folder} is pure: it imports only effect's data types`)
          for (const name of (names.match(/\w+/g) ?? []).filter((word) => word !== "type")) {
            assert.include(pureModules, name, `${folder} is pure`)
          }
        }
        const home = Object.entries(oneHome).find(([name]) => from === name || from.startsWith(`${name}/`))
        if (home !== undefined) assert.include(home[1], file, `${from} is imported in one file only`)
      }
      if (!homesOfTheImpure.includes(file)) {
        assert.notMatch(text, impure, "time, chance and surroundings come in through services")
      }
      assert.notMatch(text, looksAway, "nothing is put off and nobody looks away")
      assert.isAtMost(text.split("\n").length, 400, "split the file")
    })
  }

  it("every folder of src/ stands in the README's map", () => {
    const readme = readFileSync(join(project, "README.md"), "utf8")
    for (const folder of new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]))) {
      assert.include(readme, `${folder}/`, `src/${folder} is missing in the README`)
      assert.isDefined(mayImport[folder ?? ""])
    }
  })

  it("the top level holds what the layout names and nothing else", () => {
    const named = [
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "src",
      "test",
      "adr",
      "scripts",
      "README.md",
      "LICENSE"
    ]
    const generated = ["node_modules", "dist", "coverage"]
    for (const entry of readdirSync(project).filter((name) => !name.startsWith("."))) {
      assert.include([...named, ...generated], entry)
    }
    for (const entry of named) assert.isTrue(existsSync(join(project, entry)), entry)
  })
})

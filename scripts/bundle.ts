/**
 * Makes the one file that is installed on a builder: `dist/adjutant.mjs`, or the file given, with everything in it but
 * Node itself.
 *
 * A bundle starts in a quarter of the time that the sources take and needs half the memory. What cannot be found ends
 * the making, but for packages that a library tries for and does without. Left out are native add-ons, which nobody
 * here needs: ssh2 (behind dockerode) looks for two and does without.
 */
import { chmod, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { build, type Plugin } from "esbuild"

/** Native, and none of them needed. */
const addOns = ["cpu-features", ".node"]

const project = join(import.meta.dirname, "..")
const [, , outfile = join(project, "dist/adjutant.mjs")] = process.argv

/** What CommonJS libraries expect to find around them. */
const banner = [
  "#!/usr/bin/env node",
  'import { createRequire as adjutantRequire } from "node:module";',
  "const require = adjutantRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;"
].join("\n")

/**
 * What is loaded when it is wanted (the daemon) is taken whole, with every module of the index that it imports from. A
 * Redis client would be a quarter of the bundle, and of the time to start it.
 */
const withoutRedis: Plugin = {
  name: "without Redis",
  setup: ({ onLoad }) =>
    onLoad({ filter: /@effect[/]platform-node[/]dist[/]index[.]js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/^export [*] as NodeRedis .*$/m, "")
    }))
}

const { engines } = JSON.parse(await readFile(join(project, "package.json"), "utf8"))
const [node] = /\d+\.\d+/.exec(engines.node) ?? []

await build({
  entryPoints: [join(project, "src/main.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: `node${node}`,
  // Libraries that have both are taken as modules, of which unused parts can be left out.
  mainFields: ["module", "main"],
  external: addOns.map((name) => (name.startsWith(".") ? `*${name}` : name)),
  banner: { js: banner },
  plugins: [withoutRedis],
  // Names of classes are what error messages and traces are read by.
  keepNames: true,
  legalComments: "eof",
  charset: "utf8",
  sourcemap: false,
  logLevel: "warning"
})

await chmod(outfile, 0o755)
process.stdout.write(`${outfile}: ${((await stat(outfile)).size / 1024 / 1024).toFixed(1)} MiB\n`)

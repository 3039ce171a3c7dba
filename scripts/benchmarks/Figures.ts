/** What benchmarks share: clocks, medians, and one way to print a figure beside its bound. */
import { spawnSync } from "node:child_process"

export const seconds = (): number => Number(process.hrtime.bigint()) / 1e9

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** `what  ours  theirs  ratio (bound)`. */
export const report = (what: string, ours: string, theirs: string, ratio: number, bound: string): void => {
  process.stdout.write(
    `${what.padEnd(46)} ${ours.padStart(16)} ${theirs.padStart(18)}   ratio ${ratio.toFixed(2)} (${bound})\n`
  )
}
export const note = (what: string, text: string): void => {
  process.stdout.write(`${what.padEnd(46)} ${text}\n`)
}
/** For whoever waits: not a figure, so not on stdout. */
export const progress = (text: string): void => {
  process.stderr.write(`  … ${text}\n`)
}

export const engine = process.env["ADJUTANT_BENCH_ENGINE"] ?? "docker"
export const socketPath = process.env["ADJUTANT_ENGINE_SOCKET"] ?? "/var/run/docker.sock"

/** The engine's own command line, on the same socket. */
export const engineCommand = (...args: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] =>
  engine === "podman"
    ? ["podman", "--remote", "--url", `unix://${socketPath}`, ...args]
    : ["docker", "--host", `unix://${socketPath}`, ...args]

/** What it says. */
export const engineCli = (...args: ReadonlyArray<string>): string => {
  const [program, ...rest] = engineCommand(...args)
  const done = spawnSync(program, rest, { encoding: "utf8", maxBuffer: 1 << 30 })
  if (done.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${done.stderr}`)
  return done.stdout.trim()
}

export const toolsImage = "localhost/adjutant-tools:bookworm"

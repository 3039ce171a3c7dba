/**
 * The section `[adjutant]`: what kojid has no word for, which is mostly containers and their limits. Only here, never
 * in anything the hub sends, can a container be given more (attack cases, 1).
 */
import { Schema } from "effect"
import { imageRules } from "./ImageRules.ts"
import { secondsMax } from "./KojidOptions.ts"
import { boolean, choice, decimal, integer, list, optionalText, pattern, text } from "./Option.ts"

const mebibyte = 1024 * 1024
/** What a container engine takes at least. */
const memoryMin = 64 * mebibyte
/** An exbibyte is 2^60; numbers are exact to 2^53. */
const bytesMax = Number.MAX_SAFE_INTEGER

export const Label = Schema.Struct({ name: Schema.String, value: Schema.String })

const readLabel = (word: string) => {
  const [, name, value] = /^([A-Za-z0-9][A-Za-z0-9._/-]*)=(.*)$/s.exec(word) ?? []
  return name === undefined || value === undefined || name.startsWith("io.koji.adjutant.") ? undefined : { name, value }
}

export const Mount = Schema.Struct({ source: Schema.String, target: Schema.String })

/** `/path`, or `/path/on/the/host:/path/inside`. */
const readMount = (word: string) => {
  const [source = "", target = source, ...more] = word.split(":")
  return more.length === 0 &&
    [source, target].every((path) => /^(\/[^/:]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path))
    ? { source, target }
    : undefined
}

export const AdjutantOptions = Schema.Struct({
  engine: choice(["auto", "docker", "podman"], {
    default: "auto",
    meaning: "Which container engine; auto takes the first that answers"
  }),
  engine_socket: optionalText({ meaning: "Its socket, when it is not where that engine has it" }),
  worker_id: optionalText({ meaning: "What containers of this host are labelled with; the host's name if not set" }),
  state_dir: text({ default: "/var/lib/koji-adjutant", meaning: "Journals and what belongs to them" }),
  log_dir: text({ default: "/var/log/koji-adjutant", meaning: "Logs that are kept on this host" }),

  tools_image: text({
    default: "localhost/adjutant-tools:bookworm",
    meaning: "Image with rpm, dnf and createrepo_c, in which buildroots and repositories are made"
  }),
  tools_images: imageRules({
    default: "",
    meaning: "Tools images for some tags and arches: tag/arch=image …, first match wins"
  }),
  base_images: imageRules({ default: "", meaning: "Ready-made buildroots for some tags and arches, in the same form" }),
  pull_policy: choice(["if-not-present", "always", "never"], {
    default: "if-not-present",
    meaning: "When images are fetched"
  }),
  pull_timeout: integer({
    default: "1800",
    min: 1,
    max: secondsMax,
    meaning: "Seconds that fetching an image may take"
  }),
  pull_inactivity_timeout: integer({
    default: "120",
    min: 1,
    max: secondsMax,
    meaning: "Seconds that it may stand still"
  }),
  image_cache_bytes: integer({
    default: "53687091200",
    min: 0,
    max: bytesMax,
    meaning: "Bytes that cached buildroots may take"
  }),
  image_cache_age: integer({
    default: "604800",
    min: 0,
    max: secondsMax,
    meaning: "Seconds that an unused one is kept"
  }),
  failed_root_bytes: integer({
    default: "21474836480",
    min: 0,
    max: bytesMax,
    meaning: "Bytes that kept roots of failed tasks may take; 0 keeps none"
  }),

  journal_age: integer({
    default: "7776000",
    min: 3600,
    max: secondsMax,
    meaning: "Seconds that journals and kept logs of ended tasks are kept"
  }),
  poll_interval: integer({
    default: "3",
    min: 1,
    max: secondsMax,
    meaning: "Seconds between two questions for new tasks; kojid's cycle, in between which they come, is sleeptime"
  }),
  reap_lease: integer({
    default: "900",
    min: 60,
    max: secondsMax,
    meaning: "Seconds without a sign of life after which `adjutant reap` takes a daemon's containers away"
  }),

  install_network: pattern(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "host, none, or a network's name", {
    default: "host",
    meaning:
      "What steps that fetch packages reach: host, none, or a network of the engine; steps that build reach nothing"
  }),
  mounts: list(Mount, "paths like /host/path:/path/inside", readMount, ({ source, target }) => `${source}:${target}`, {
    default: "",
    meaning:
      "What of this host those steps see, read-only, apart by blanks: certificates, keys; steps that build do not"
  }),
  memory_bytes: integer({
    default: "8589934592",
    min: memoryMin,
    max: bytesMax,
    meaning: "Memory of one container, in bytes"
  }),
  cpus: decimal({ default: "0", min: 0, max: 4096, meaning: "Processors of one container; 0 is all of the host" }),
  processes: integer({ default: "8192", min: 16, max: 4_194_304, meaning: "Processes and threads of one container" }),
  open_files: integer({ default: "4096", min: 64, max: 1_048_576, meaning: "Files that one process may have open" }),
  log_bytes_max: integer({
    default: "536870912",
    min: mebibyte,
    max: bytesMax,
    meaning: "Bytes of output after which a step is ended"
  }),
  silence_timeout: integer({
    default: "14400",
    min: 1,
    max: secondsMax,
    meaning: "Seconds without output after which a step is ended"
  }),
  disk_bytes: integer({ default: "68719476736", min: mebibyte, max: bytesMax, meaning: "Disk of one task, in bytes" }),
  load_average_max: decimal({
    default: "4",
    min: 0.1,
    max: 4096,
    meaning: "One-minute load average per processor above which nothing is taken"
  }),
  labels: list(Label, "labels like name=value", readLabel, ({ name, value }) => `${name}=${value}`, {
    default: "",
    meaning: "Further labels of every container: name=value …"
  }),
  selinux: choice(["auto", "off"], { default: "auto", meaning: "Whether mounts are relabelled; auto asks the engine" }),

  allow_any_scm: boolean({
    default: "no",
    meaning: "Start even if neither allowed_scms nor the hub's policy is asked"
  }),
  log_format: choice(["auto", "text", "json"], {
    default: "auto",
    meaning: "How the daemon logs; auto is text on a terminal and in systemd's journal, and else json"
  })
})
export type AdjutantOptions = typeof AdjutantOptions.Type

/**
 * What there is to say of the hub: whether it is there and lets us in, who we are to it, and whether what it thinks of
 * this host is so. A task that is scheduled by a wrong entry fails or waits where nobody looks for the reason.
 */
import { canonicalArch } from "../koji/Arch.ts"
import { splitWords } from "../koji/PythonSpace.ts"
import { otherChannels } from "./ChannelTasks.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export interface HostEntry {
  readonly name: string
  readonly enabled: boolean
  readonly arches: string | null
  readonly capacity: number
  readonly channels: ReadonlyArray<{ readonly name: string; readonly enabled: boolean }>
}

export type HubFacts =
  /** The configuration names no way to log in. */
  | { readonly _tag: "NoWay"; readonly message: string }
  /** A variable of the environment names a proxy that is none; the message says which. */
  | { readonly _tag: "BadProxy"; readonly message: string }
  /** `proxy`: the variable that names the one on the way, if that may be what is wrong. */
  | { readonly _tag: "Silent"; readonly server: string; readonly message: string; readonly proxy: string | null }
  | { readonly _tag: "Refused"; readonly server: string; readonly message: string; readonly advice: string | null }
  /** The login is good; another session of this user is the exclusive one, so that nothing more could be asked. */
  | { readonly _tag: "Held"; readonly server: string; readonly byUs: boolean }
  | {
      readonly _tag: "In"
      readonly server: string
      readonly version: string | null
      readonly user: { readonly name: string; readonly isHost: boolean }
      readonly host: HostEntry | null
      /** How much the hub's clock is ahead of ours. */
      readonly aheadSeconds: number | null
      /** A file that the hub's tree holds, if the hub has any to name. */
      readonly sample: string | null
    }

/** What Kerberos allows; sessions and repositories begin to look odd long before. */
const clockSecondsMax = 300
const clockSecondsGood = 5

/** `machine` is what this host runs, by the kernel's name. */
export const hubFindings = (facts: HubFacts, machine: string): ReadonlyArray<Finding> => {
  switch (facts._tag) {
    case "NoWay":
      return [problem("login", facts.message, "see the options of [kojid] in `adjutant config --all`")]
    case "BadProxy":
      return [problem("hub", facts.message, "mend that variable where the daemon's environment is set, or unset it")]
    case "Silent":
      return [
        problem(
          "hub",
          `${facts.server}: ${facts.message}`,
          facts.proxy === null
            ? "check server in [kojid], the network and TLS"
            : `check the proxy in ${facts.proxy} of the environment; no_proxy names hosts to reach without it`
        )
      ]
    case "Refused":
      return [
        ok("hub", `${facts.server} answers`),
        problem("login", facts.message, facts.advice ?? "the hub's log tells more")
      ]
    case "Held":
      return [
        ok("hub", `${facts.server} answers`),
        facts.byUs
          ? ok("login", "the daemon of this host is logged in; the hub answers no second session of its user")
          : warning(
              "login",
              "the hub lets us in, but another builder is logged in as this user, and holds the exclusive session",
              "stop it and check again; `adjutant daemon --force-lock` takes the session from it"
            )
      ]
    case "In":
      return [
        ok("hub", `${facts.server} answers${facts.version === null ? "" : `, Koji ${facts.version}`}`),
        ok("login", `as ${facts.user.name}`),
        ...clockFindings(facts.aheadSeconds),
        ...hostFindings(facts, machine)
      ]
  }
}

const clockFindings = (aheadSeconds: number | null): ReadonlyArray<Finding> => {
  if (aheadSeconds === null) return []
  const off = Math.abs(aheadSeconds)
  if (off <= clockSecondsGood) return [ok("clock", `agrees with the hub's to ${clockSecondsGood} s`)]
  const text = `the hub's clock is ${off.toFixed(0)} s ${aheadSeconds > 0 ? "ahead of" : "behind"} ours`
  const advice = "have both follow a time server (chronyd)"
  return [off > clockSecondsMax ? problem("clock", text, advice) : warning("clock", text, advice)]
}

const hostFindings = ({ user, host }: Extract<HubFacts, { _tag: "In" }>, machine: string): ReadonlyArray<Finding> => {
  if (host === null) {
    const force = user.isHost ? "" : " --force"
    return [
      problem(
        "host",
        `the user ${user.name} is no host of the hub`,
        `an administrator adds it: koji add-host${force} ${user.name} ${machine}`
      )
    ]
  }
  return [
    host.enabled
      ? ok("host", `${host.name} is enabled, capacity ${host.capacity}`)
      : warning("host", `${host.name} is disabled: it gets no tasks`, `koji enable-host ${host.name}`),
    ...(host.capacity > 1
      ? []
      : [
          warning(
            "capacity",
            `${host.capacity} is less than most tasks weigh`,
            `koji edit-host --capacity 4 ${host.name}`
          )
        ]),
    archFinding(host, machine),
    ...channelFindings(host)
  ]
}

/** What a machine runs besides its own: 32-bit programs of its family. */
const alsoRuns: ReadonlyMap<string, ReadonlyArray<string>> = new Map([["x86_64", ["i386"]]])

const archFinding = ({ name, arches }: HostEntry, machine: string): Finding => {
  const words = splitWords(arches ?? "")
  if (words.length === 0) {
    return problem("arches", "the hub has no arches for this host", `koji edit-host --arches ${machine} ${name}`)
  }
  const runs = [machine, ...(alsoRuns.get(machine) ?? [])]
  const foreign = words.filter((word) => word !== "noarch" && !runs.includes(canonicalArch(word)))
  return foreign.length === 0
    ? ok("arches", `${words.join(" ")} run on this machine (${machine})`)
    : problem(
        "arches",
        `the hub would send tasks for ${foreign.join(" ")}, and this machine is ${machine}`,
        `koji edit-host --arches "${words.filter((word) => !foreign.includes(word)).join(" ") || machine}" ${name}`
      )
}

const channelFindings = ({ name, channels }: HostEntry): ReadonlyArray<Finding> => {
  if (channels.length === 0) {
    return [
      problem("channels", "the host is in no channel: it gets no tasks", `koji add-host-to-channel ${name} default`)
    ]
  }
  const findings: Array<Finding> = []
  for (const channel of channels) {
    const tasks = otherChannels.get(channel.name)
    if (tasks !== undefined) {
      findings.push(
        warning(
          "channels",
          `${channel.name} is for ${tasks}, which are refused here`,
          `koji remove-host-from-channel ${name} ${channel.name}, and have a kojid serve it`
        )
      )
    }
  }
  const off = channels.filter(({ enabled }) => !enabled).map((channel) => channel.name)
  if (off.length > 0)
    findings.push(warning("channels", `disabled at the hub: ${off.join(", ")}`, "koji enable-channel"))
  const names = channels.map((channel) => channel.name).join(", ")
  return findings.length > 0 ? findings : [ok("channels", names)]
}

/** Histories and calls as a person would tell them: short lines that a test can hold to the letter. */
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Value } from "../../src/hub/Value.ts"
import type { Seen } from "./Hub.ts"

/** `init/populate` of `adjutant-<instance>-<task>-<attempt>-init.populate`. */
const containerOf = (name: string): string => name.split("-").slice(4).join("-").replaceAll(".", "/")

const exitOf = (exit: unknown): string => {
  const reason: unknown = Object(exit).reason
  const { _tag, ...rest } = Object(reason)
  return [_tag, ...Object.values(rest)].join(" ")
}

/**
 * One line an event. A step that settles before anything else happens is one line, `step x`; else it begins, and ends
 * or fails. How far logs have come is left out: it depends on the moment at which somebody looked.
 */
export const outline = (history: ReadonlyArray<AttemptEvent>): ReadonlyArray<string> => {
  const events = history.filter(({ _tag }) => _tag !== "LogAdvanced" && _tag !== "LogWritten")
  const lines: Array<string> = []
  for (const [at, event] of events.entries()) {
    const before = events[at - 1]
    const after = events[at + 1]
    switch (event._tag) {
      case "Accepted":
        lines.push(`accepted ${event.method} ${event.arch}`)
        break
      case "Resumed":
        lines.push("resumed")
        break
      case "StepIntended":
        if (after?._tag !== "StepSucceeded" || after.step !== event.step) lines.push(`begin ${event.step}`)
        break
      case "StepSucceeded": {
        const atOnce = before?._tag === "StepIntended" && before.step === event.step
        lines.push(`${atOnce ? "step" : "end"} ${event.step}`)
        break
      }
      case "StepFailed":
        lines.push(`fail ${event.step}`)
        break
      case "ContainerIntended":
        lines.push(`container ${containerOf(event.container)} intended`)
        break
      case "ContainerCreated":
      case "ContainerStarted":
      case "ContainerRemoved":
        lines.push(`container ${containerOf(event.container)} ${event._tag.replace("Container", "").toLowerCase()}`)
        break
      case "ContainerExited":
        lines.push(`container ${containerOf(event.container)} ${exitOf(event.exit)}`)
        break
      case "FileUploaded":
        lines.push(`uploaded ${event.name}`)
        break
      case "StopRequested":
        lines.push(`stop ${event.reason}`)
        break
      case "Noted":
        lines.push(`note ${event.text}`)
        break
      case "ResultDecided":
        lines.push(`decided ${event.outcome._tag}`)
        break
      case "Concluded":
        lines.push(`concluded ${event.how}${event.note === "" ? "" : `: ${event.note}`}`)
        break
      case "LogAdvanced":
      case "LogWritten":
        break
    }
  }
  return lines
}

/** The same without the phases of containers between which nothing else happened. */
export const outlineShort = (history: ReadonlyArray<AttemptEvent>): ReadonlyArray<string> => {
  const short: Array<string> = []
  for (const line of outline(history)) {
    const [, name, phase] = /^container (\S+) (.*)$/.exec(line) ?? []
    const last = short.at(-1)
    if (name !== undefined && last?.startsWith(`container ${name} `)) short[short.length - 1] = `${last}, ${phase}`
    else short.push(line)
  }
  return short
}

const long = 7

/** A value in few words: lists and structs beyond a handful by their size. */
const inShort = (value: Value): string => {
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isStruct)) return `[${value.length} structs]`
    return value.length > long ? `[${value.length} items]` : `[${value.map(inShort).join(", ")}]`
  }
  if (value instanceof Uint8Array) return `<${value.length} bytes>`
  if (isStruct(value)) {
    const members = Object.entries(value)
    return members.length > long
      ? `{${members.length} members}`
      : `{${members.map(([name, member]) => `${name}: ${inShort(member)}`).join(", ")}}`
  }
  if (typeof value === "string")
    return value.startsWith("<?xml") ? "<document>" : value.length > 200 ? `<${value.length} characters>` : value
  return String(value)
}

/** `host.newBuildRoot 1 x86_64 {task_id: 1}`. */
export const callText = ({ method, params, keywords, file }: Seen): string =>
  [
    method,
    ...(file === null ? params.map(inShort) : [file]),
    ...(Object.keys(keywords).length === 0 ? [] : [inShort(keywords)])
  ].join(" ")

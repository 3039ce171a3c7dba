/** The steps of an attempt on a time axis; each opens to all that is known of it. */
import { badEnd } from "../FailedIn.ts"
import { failureText } from "../Failure.ts"
import { runKey } from "../LogLayout.ts"
import type { AttemptOutputs } from "../Outputs.ts"
import type { ContainerSpan, Mark, StepSpan, Timeline } from "../Timeline.ts"
import { commandLine, exitWord, limitText, markText } from "../TimelineRows.ts"
import { bytes, duration, offset } from "../Units.ts"
import { endsText } from "./EndsText.ts"
import { type Html, html, lines } from "./Html.ts"

/** The width of the time axis, in units of its own. */
const axisWidth = 1000
/** What takes no time is shown all the same. */
const barMin = 3
const ticks = 5
/** A page with more rows than this is no help, and heavy. */
export const pageRowsMax = 3_000

/** What each step of a page needs besides its own span. */
export interface Around {
  readonly timeline: Timeline
  readonly outputs: AttemptOutputs["outputs"]
  /** The recorded values of steps, shortened. */
  readonly values: ReadonlyMap<string, string>
}

export const stepSection = (around: Around): Html => {
  const { timeline } = around
  const total = Math.max(1, timeline.lastAt - timeline.acceptedAt)
  const scale = Array.from({ length: ticks }, (_, at) => html`<span>${offset((total * at) / (ticks - 1))}</span>`)
  const entries = [
    ...timeline.steps.map((step) => ({ at: step.intendedAt, row: () => stepRow(step, total, around) })),
    ...timeline.marks.map((mark) => ({ at: mark.at, row: () => markRow(mark, timeline, total) }))
  ].sort((a, b) => a.at - b.at)
  const left = entries.length - pageRowsMax
  return html`<section id="timeline">
<h2>What it did, and when</h2>
<div class="axis"><span class="quiet">start</span><span class="quiet">step</span><span class="scale">${scale}</span><span class="quiet took">took</span></div>
${entries.slice(0, pageRowsMax).map(({ row }) => html`${row()}\n`)}
${left > 0 ? html`<p class="quiet">${left} more are not shown</p>` : null}
</section>`
}

interface Bar {
  readonly from: number
  readonly to: number
  readonly kind: "step" | "run" | "ended-badly" | "mark"
}

const axis = (bars: ReadonlyArray<Bar>, timeline: Timeline, total: number): Html => {
  const place = (at: number) => Math.round(((at - timeline.acceptedAt) / total) * axisWidth)
  const rect = ({ from, to, kind }: Bar) => {
    const x = Math.min(place(from), axisWidth - barMin)
    const height = kind === "step" ? 12 : 6
    return html`<rect class="${kind}" x="${x}" y="${kind === "step" ? 1 : 4}" width="${Math.max(barMin, place(to) - x)}" height="${height}"/>`
  }
  return html`<svg viewBox="0 0 ${axisWidth} 14" preserveAspectRatio="none" aria-hidden="true"><path class="rail" d="M0 13.5H${axisWidth}"/>${bars.map(rect)}</svg>`
}

const stepRow = (step: StepSpan, total: number, around: Around): Html => {
  const { timeline } = around
  const end = step.settledAt ?? timeline.decided?.at ?? timeline.lastAt
  const bars: ReadonlyArray<Bar> = [
    { from: step.intendedAt, to: end, kind: "step" },
    ...step.containers.map((container): Bar => {
      const from = container.startedAt ?? container.createdAt ?? container.intendedAt
      return {
        from,
        to: container.exitedAt ?? container.removedAt ?? end,
        kind: badEnd(container) ? "ended-badly" : "run"
      }
    })
  ]
  const look = timeline.failedIn?.step === step.path
  const tone = step.outcome === "failed" ? "bad" : step.outcome === "open" ? "warn" : look ? "bad" : ""
  const how =
    step.outcome === "succeeded"
      ? ""
      : step.outcome === "failed"
        ? " failed"
        : timeline.decided === null
          ? " goes on"
          : " was cut short"
  return html`<details${look ? html` class="look" open` : null}><summary><span class="row">
<span class="quiet">${offset(step.intendedAt - timeline.acceptedAt)}</span><span class="name ${tone}" title="${step.path}">${step.path}${how}</span>${axis(bars, timeline, total)}<span class="took">${duration(end - step.intendedAt)}</span></span></summary>
<div class="inside">${stepFacts(step, around.values.get(step.path))}${step.containers.map((container) => containerPart(container, around, look))}</div></details>`
}

const stepFacts = (step: StepSpan, value: string | undefined): Html => html`<dl>
${step.failure === null ? null : html`<dt>failed</dt><dd><pre class="bad">${lines(failureText(step.failure))}</pre></dd>`}
${value === undefined ? null : html`<dt>value</dt><dd><code>${value}</code></dd>`}
<dt>unsettled</dt><dd class="quiet">if nobody had seen its end: ${step.rule}</dd>
</dl>`

const markRow = (mark: Mark, timeline: Timeline, total: number): Html =>
  html`<div class="note"><span class="row"><span class="quiet">${offset(mark.at - timeline.acceptedAt)}</span><span class="name warn" title="${markText(mark)}">${markText(mark)}</span>${axis([{ from: mark.at, to: mark.at, kind: "mark" }], timeline, total)}<span></span></span></div>`

const containerPart = (container: ContainerSpan, { timeline, outputs }: Around, look: boolean): Html => {
  const { exit, spec } = container
  const output = outputs.get(runKey(container.name, container.run))
  const limit = exit === null ? null : limitText(exit.reason)
  const scripts = container.command.filter((argument) => argument.includes("\n"))
  return html`<div class="container">
<div><code>${commandLine(container.command)}</code></div>
<dl>
${fact("ended", exit === null ? "its end is not recorded" : exitWord(exit.reason), exit !== null && !badEnd(container) ? "good" : "bad")}
${limit === null ? null : fact("limit", limit, "bad")}
${fact("image", container.image ?? "not recorded", "mono")}
${exit?.committed == null ? null : fact("made", exit.committed, "mono")}
${fact("name", container.run === 1 ? container.name : `${container.name}, run ${container.run}`, "mono")}
${fact("times", times(container, timeline))}
${spec === null ? null : specFacts(spec)}
${exit === null ? null : fact("output", outputFact(exit))}
</dl>
${scripts.map((script) => html`<details><summary class="quiet">the script</summary><pre>${lines(script)}</pre></details>`)}
${
  output === undefined
    ? html`<p class="quiet">its output is not here${container.logs.length === 0 ? "" : ` (it went into ${container.logs.join(", ")})`}</p>`
    : html`<details${look ? html` open` : null}><summary class="quiet">its output, from ${output.place}</summary>${endsText(output.ends)}</details>`
}
</div>`
}

const fact = (name: string, text: string, tone = ""): Html => html`<dt>${name}</dt><dd class="${tone}">${text}</dd>\n`

const outputFact = ({ outputBytes, missingBytes = 0 }: NonNullable<ContainerSpan["exit"]>): string =>
  missingBytes === 0 ? bytes(outputBytes) : `${bytes(outputBytes)}, of which the engine had lost ${bytes(missingBytes)}`

const times = (container: ContainerSpan, timeline: Timeline): string =>
  (
    [
      ["wanted", container.intendedAt],
      ["made", container.createdAt],
      ["started", container.startedAt],
      ["ended", container.exitedAt],
      ["removed", container.removedAt]
    ] as const
  )
    .flatMap(([what, at]) => (at === null ? [] : [`${what} ${offset(at - timeline.acceptedAt)}`]))
    .join(", ")

const specFacts = (spec: NonNullable<ContainerSpan["spec"]>): Html => {
  const { limits, network } = spec
  const limited = [
    `memory ${bytes(limits.memoryBytes)}`,
    `${limits.cpus} processors`,
    `${limits.processes} processes`,
    `${limits.openFiles} open files`,
    `${duration(limits.wallSeconds * 1000)} in all`,
    `${duration(limits.silenceSeconds * 1000)} of silence`,
    `${bytes(limits.outputBytes)} of output`,
    `${bytes(limits.diskBytes)} of disk`
  ].join(", ")
  const mounts = spec.mounts.map(
    ({ source, target, readOnly }) => `${target} is ${source}${readOnly ? ", read only" : ""}`
  )
  return html`${fact("limits", limited)}${fact("rights", `${spec.capabilities}, as ${spec.user}`)}${fact(
    "network",
    typeof network === "string" ? network : network.named
  )}${fact("directory", spec.workingDirectory, "mono")}<dt>environment</dt><dd class="mono">${Object.entries(
    spec.environment
  ).map(([name, value]) => html`${name}=${value}<br>`)}</dd><dt>mounts</dt><dd class="mono">${mounts.map(
    (mount) => html`${mount}<br>`
  )}</dd>`
}

/**
 * An attempt as one page that needs nothing else: no network, no other file, and no script for what matters.
 *
 * Everything in it may have been chosen by a build, so nothing of it can become markup (`Html.ts`); and should that ever
 * fail, the page itself forbids the browser to run or fetch anything but the one script whose digest it names.
 */
import { hash } from "node:crypto"
import { failureOfOutcome, failureText } from "../Failure.ts"
import { runKey } from "../LogLayout.ts"
import type { AttemptOutputs, LogText } from "../Outputs.ts"
import type { JournalScan } from "../ScanJournal.ts"
import type { Timeline, UploadSpan } from "../Timeline.ts"
import { amount, bytes, duration, offset, wallClock } from "../Units.ts"
import { endsText } from "./EndsText.ts"
import type { History, Track } from "./History.ts"
import { data, type Html, html, lines } from "./Html.ts"
import { script } from "./Script.ts"
import { stepSection } from "./Steps.ts"
import { style } from "./Style.ts"

export interface PageParts {
  readonly scan: JournalScan
  readonly timeline: Timeline
  readonly history: History
  /** The recorded values of steps, shortened. */
  readonly values: ReadonlyMap<string, string>
  readonly outputs: AttemptOutputs
}

const digestOf = (part: Html): string => `'sha256-${hash("sha256", part.toString(), "base64")}'`
const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src ${digestOf(style)}; script-src ${digestOf(script)}`

/** The whole document. */
export const page = ({ scan, timeline, history, values, outputs }: PageParts): string => {
  const title = `Task ${timeline.task}, attempt ${timeline.attempt}: ${timeline.method}, ${timeline.arch}`
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${heading(timeline, outputs)}
${problem(scan)}
${stepSection({ timeline, outputs: outputs.outputs, values })}
${momentSection(history, timeline)}
${uploadSection(timeline.uploads)}
${logSection(outputs.logs)}
${eventSection(history)}
${data("history", history)}
<script>${script}</script>
</body>
</html>
`.toString()
}

/** The last lines of what failed are what most people came for. */
const lastLinesShown = 25

const lastOutput = ({ steps, failedIn }: Timeline, { outputs }: AttemptOutputs): Html | null => {
  const step = steps.find(({ path }) => path === failedIn?.step)
  const container = step?.containers.findLast(({ name }) => name === failedIn?.container)
  const output = container === undefined ? undefined : outputs.get(runKey(container.name, container.run))
  if (output === undefined || output.ends.bytes === 0) return null
  const { head, leftOut, tail } = output.ends
  const last = (leftOut > 0 ? tail : head + tail).trimEnd().split("\n").slice(-lastLinesShown)
  return html`<dt>last output</dt><dd><pre>${lines(last.join("\n"))}</pre></dd>`
}

const heading = (timeline: Timeline, outputs: AttemptOutputs): Html => {
  const { decided, failedIn, concluded } = timeline
  const failure = decided === null ? null : failureOfOutcome(decided.outcome)
  const took = duration(timeline.lastAt - timeline.acceptedAt)
  const [tone, verdict] =
    decided === null
      ? ["warn", `has no end: it goes on, or its daemon went away; the last record is ${took} after the first`]
      : failure === null
        ? ["good", `succeeded after ${took}`]
        : [
            decided.outcome._tag === "Fault" ? "bad" : "warn",
            `${decided.outcome._tag === "Fault" ? "failed" : failure.name} after ${took}`
          ]
  return html`<section class="${failure === null ? "" : "failure"}">
<dl>
<dt>result</dt><dd class="${tone}">${verdict}</dd>
${failure === null ? null : html`<dt>reason</dt><dd><pre>${lines(failureText(failure))}</pre></dd>`}
${failedIn === null ? null : html`<dt>look at</dt><dd>${failedIn.step} (${failedIn.because})</dd>`}
${lastOutput(timeline, outputs)}
<dt>asked</dt><dd><code>${JSON.stringify(timeline.request)}</code></dd>
<dt>accepted</dt><dd>${wallClock(timeline.acceptedAt)}, by version ${timeline.version}, instance ${timeline.instance}</dd>
<dt>last record</dt><dd>${wallClock(timeline.lastAt)}${concluded === null ? "" : `, the task is ${concluded.how}`}${concluded === null || concluded.note === "" ? "" : `: ${concluded.note}`}</dd>
<dt>record</dt><dd>${amount(timeline.events, "event")}</dd>
</dl>
</section>`
}

const problem = ({ file, problem, lostLines, tornBytes }: JournalScan): Html | null => {
  if (problem !== null) {
    return html`<section class="failure"><p class="bad">${file}, line ${problem.line}: nothing from here on is believed (${amount(lostLines, "line")}): ${problem.message}</p></section>`
  }
  return tornBytes === 0
    ? null
    : html`<section><p class="warn">The last line of the journal is unfinished (${amount(tornBytes, "byte")}): it was being written, or its daemon ended.</p></section>`
}

const momentSection = (history: History, timeline: Timeline): Html => {
  const shown = history.events.length
  return html`<section id="state">
<h2>What was so at any point</h2>
<div id="moment"><input id="slider" type="range" min="1" max="${shown}" value="${shown}" aria-label="after which event"><span id="place" class="quiet"></span></div>
<p id="what" class="quiet">at the end of the record, ${offset(timeline.lastAt - timeline.acceptedAt)} after the beginning</p>
${history.left === 0 ? null : html`<p class="quiet">${amount(history.left, "event")} of ${timeline.events} are left out here</p>`}
<p>The attempt: <strong id="attempt">${history.attempt.at(-1)?.[1] ?? ""}</strong></p>
<div class="columns">${tracks("steps", "Steps", history.steps)}${tracks("containers", "Containers", history.containers)}${tracks("files", "Files at the hub", history.files)}</div>
</section>`
}

const tracks = (id: string, title: string, all: ReadonlyArray<Track>): Html =>
  html`<div><h2 class="quiet">${title}</h2><table id="${id}">${all.map(
    ({ name, changes }) => html`<tr><td class="quiet">${changes.at(-1)?.[1]}</td><td class="mono">${name}</td></tr>`
  )}</table></div>`

const uploadSection = (uploads: ReadonlyArray<UploadSpan>): Html | null =>
  uploads.length === 0
    ? null
    : html`<section><h2>At the hub: ${amount(uploads.length, "file")}</h2><table>${uploads.map(
        ({ name, bytes: size, whole, sha256 }) =>
          html`<tr><td class="number">${bytes(size)}</td><td>${name}${whole ? "" : html` <span class="warn">so far</span>`}</td><td class="digest mono">${sha256 ?? ""}</td></tr>`
      )}</table></section>`

const logSection = (logs: ReadonlyArray<LogText>): Html | null =>
  logs.length === 0
    ? null
    : html`<section><h2>Logs</h2>${logs.map(
        ({ name, place, ends, note }) =>
          html`<details><summary>${name} <small>${ends === null ? "" : bytes(ends.bytes)}, from ${place}</small>${note === "" ? null : html` <span class="warn">${note}</span>`}</summary>${ends === null ? null : endsText(ends)}</details>`
      )}</section>`

const eventSection = (history: History): Html =>
  html`<section><details><summary>Every event (${history.events.length})</summary><table id="events">${history.events.map(
    ([number, since, text]) =>
      html`<tr><td class="number quiet">${number}</td><td class="number quiet">${offset(since)}</td><td>${text}</td></tr>`
  )}</table></details></section>`

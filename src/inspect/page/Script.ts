/**
 * What a page does besides standing there: it shows the state after the event that the reader picks. All of it is in the
 * page as well for who has no scripts, only not at once.
 *
 * It writes text and class names and makes no elements, so that nothing in the data can become markup.
 */
import { html } from "./Html.ts"

export const script = html`
"use strict"
const record = JSON.parse(document.getElementById("history").textContent)
const slider = document.getElementById("slider")
const place = document.getElementById("place")
const what = document.getElementById("what")
const rows = Array.from(document.querySelectorAll("#events tr"))

const at = (changes, event) => {
  let found
  for (const change of changes) if (change[0] <= event) found = change[1]
  return found
}
const clock = (since) => {
  const tenths = Math.floor(since / 100)
  const two = (value) => String(value).padStart(2, "0")
  const minutes = Math.floor(tenths / 600)
  const seconds = two(Math.floor(tenths / 10) % 60) + "." + (tenths % 10)
  return minutes < 60 ? minutes + ":" + seconds : Math.floor(minutes / 60) + ":" + two(minutes % 60) + ":" + seconds
}
const show = (event) => {
  const [number, since, text] = record.events[event - 1]
  slider.value = event
  place.textContent = "after event " + number + ", at " + clock(since)
  what.textContent = text
  document.getElementById("attempt").textContent = at(record.attempt, event)
  for (const kind of ["steps", "containers", "files"]) {
    const shown = document.querySelectorAll("#" + kind + " tr")
    record[kind].forEach((track, index) => {
      const now = at(track.changes, event)
      const row = shown[index]
      row.classList.toggle("later", now === undefined)
      row.cells[0].textContent = now === undefined ? "" : now
      row.cells[0].className = now === "ok" || now === "removed" ? "quiet" : now === "failed" ? "bad" : "warn"
      if (kind === "files" && now !== undefined) row.cells[0].className = now.startsWith("whole") ? "quiet" : "warn"
    })
  }
  rows.forEach((row, index) => row.classList.toggle("now", index + 1 === event))
}
slider.max = record.events.length
slider.addEventListener("input", () => show(Number(slider.value)))
rows.forEach((row, index) => row.addEventListener("click", () => show(index + 1)))
document.getElementById("moment").classList.add("ready")
show(record.events.length)
`

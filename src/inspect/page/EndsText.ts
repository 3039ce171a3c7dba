/** Output and logs on a page: the beginning and the end, and how much is left out between. */
import type { Ends } from "../Ends.ts"
import { bytes } from "../Units.ts"
import { type Html, html, lines } from "./Html.ts"

export const endsText = ({ head, leftOut, tail, bytes: all }: Ends): Html => {
  if (all === 0) return html`<p class="quiet">nothing was put out</p>`
  if (leftOut === 0) return html`<pre>${lines(head + tail)}</pre>`
  return html`<pre>${lines(head)}</pre>
<p class="quiet">${bytes(leftOut)} of ${bytes(all)} are left out here</p>
<pre>${lines(tail)}</pre>`
}

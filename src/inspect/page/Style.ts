/** How a page looks: two schemes, one column, nothing that has to be fetched. */
import { html } from "./Html.ts"

export const style = html`
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --sheet: #ffffff; --ink: #1d2126; --quiet: #5f6873; --line: #dfe2e6; --code: #f3f4f6;
  --good: #1a7f4b; --bad: #c0362c; --warn: #96650b; --step: #b9c9e6; --run: #3566b8; --mark: #7a4fb5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --sheet: #1b1f24; --ink: #e3e6ea; --quiet: #98a2ae; --line: #31373e; --code: #121518;
    --good: #58c48a; --bad: #f0776c; --warn: #d9a441; --step: #4b6394; --run: #7aa5ec; --mark: #b493e6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.1rem; margin: 1rem 0; }
.quiet, dt, small { color: var(--quiet); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre, .mono { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
pre {
  background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .7rem; margin: .4rem 0;
  overflow: auto; max-height: 32rem; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 8;
}
.failure { border-left: 4px solid var(--bad); }
.axis, .row {
  display: grid; grid-template-columns: 4.5rem 15rem 1fr 4.5rem; gap: .75rem; align-items: center; font-variant-numeric: tabular-nums;
}
.axis { padding-left: 1.1rem; }
.axis .scale { display: flex; justify-content: space-between; color: var(--quiet); font-size: .8rem; }
.row { padding: .14rem 0; }
.row .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row .took { text-align: right; }
svg { display: block; width: 100%; height: 14px; }
svg .rail { fill: none; stroke: var(--line); stroke-width: 1; }
svg .step { fill: var(--step); } svg .run { fill: var(--run); } svg .ended-badly { fill: var(--bad); } svg .mark { fill: var(--mark); }
details > summary { cursor: pointer; border-radius: 4px; list-style: none; padding-left: 1.1rem; position: relative; }
details > summary::before { content: "\\25B8"; position: absolute; left: .15rem; color: var(--quiet); }
details[open] > summary::before { content: "\\25BE"; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--code); }
summary:focus-visible { outline: 2px solid var(--run); }
.inside { margin: .2rem 0 .9rem 1.1rem; border-left: 2px solid var(--line); padding-left: .9rem; }
.container { margin: .6rem 0 1rem; }
.note { padding: .14rem 0 .14rem 1.1rem; }
.look > summary { background: color-mix(in srgb, var(--bad) 12%, transparent); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { text-align: left; vertical-align: top; padding: .1rem .8rem .1rem 0; overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: normal; }
td.number { text-align: right; white-space: nowrap; }
.digest { color: var(--quiet); font-size: .8em; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: .3rem 2rem; }
.columns td:first-child { white-space: nowrap; width: 1%; }
#moment { display: none; align-items: center; gap: .8rem; margin: .2rem 0 .6rem; }
#moment.ready { display: flex; }
#moment input { flex: 1; accent-color: var(--run); }
#events tr { cursor: pointer; } #events tr.now td { background: color-mix(in srgb, var(--run) 18%, transparent); }
tr.later { display: none; }
@media (max-width: 52rem) {
  body { padding: .6rem; }
  .axis, .row { grid-template-columns: 3.6rem 8.5rem 1fr 3.8rem; gap: .4rem; }
}
@media print { details > * { display: block; } pre { max-height: none; } }
`

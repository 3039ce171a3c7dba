/** What was asked of the engine for a step, in two builds that both have run it. */
import { label } from "../../engine/Labels.ts"
import type { ContainerSpan, StepSpan } from "../Timeline.ts"
import { commandLine } from "../TimelineRows.ts"
import { type Change, shown, textChange, valueChanges } from "./Change.ts"

export interface ContainerPair {
  readonly place: string
  readonly a: ContainerSpan
  readonly b: ContainerSpan
}

/** Containers of a step that both have run; an image that was there already takes none. */
export const containerPairs = (a: StepSpan, b: StepSpan): ReadonlyArray<ContainerPair> => {
  const last = (step: StepSpan) => new Map(step.containers.map((container) => [placeOf(step, container), container]))
  const inB = last(b)
  return [...last(a)].flatMap(([place, container]) => {
    const other = inB.get(place)
    return other === undefined ? [] : [{ place, a: container, b: other }]
  })
}

/** `install/1/resolve`: the step, and which of its containers, as its label says. */
const placeOf = (step: StepSpan, container: ContainerSpan): string => container.spec?.labels[label.step] ?? step.path

export const environmentChanges = ({ place, a, b }: ContainerPair): ReadonlyArray<Change> =>
  valueChanges("environment", a.spec?.environment ?? {}, b.spec?.environment ?? {}, `${place}: `)

export const commandChanges = ({ place, a, b }: ContainerPair): ReadonlyArray<Change> => {
  const scripts = [a, b].map(({ command }) => command.filter((argument) => argument.includes("\n")).join("\n"))
  const [one, two] = [a, b].map((container) => ({
    command: commandLine(container.command),
    user: container.spec?.user ?? "",
    rights: container.spec?.capabilities ?? "",
    network: container.spec === null ? "" : shown(container.spec.network),
    directory: container.spec?.workingDirectory ?? ""
  }))
  return [
    ...valueChanges("commands", one ?? {}, two ?? {}, `${place}: `),
    ...textChange("commands", `${place}: script`, scripts[0] ?? "", scripts[1] ?? "")
  ]
}

export const limitChanges = ({ place, a, b }: ContainerPair): ReadonlyArray<Change> =>
  valueChanges("limits", a.spec?.limits ?? {}, b.spec?.limits ?? {}, `${place}: `)

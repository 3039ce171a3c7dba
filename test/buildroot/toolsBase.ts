/**
 * A base image that costs next to nothing: the tools image with a few packages in its rpm database, as one that the
 * operator has named. Everything that runs in a root runs in it, rpmbuild included.
 */
import { Effect } from "effect"
import { type BaseInputs, baseImage } from "../../src/buildroot/BaseImage.ts"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { imageLabels } from "../../src/engine/Labels.ts"
import { runStep, stepOf } from "../contract/EngineContract.ts"
import { inStep, Site } from "./realBuilder.ts"

/** With these packages of `directory/rpms` installed. */
export const toolsBase = Effect.fnUntraced(function* (
  directory: string,
  rpms: ReadonlyArray<string>,
  inputs: BaseInputs
) {
  const site = yield* Site
  const settings = yield* BuilderSettings
  const { exit, text } = yield* runStep(
    stepOf(site, "base", `rpm -U --nodeps ${rpms.map((name) => `/work/rpms/${name}`).join(" ")}`, {
      mounts: [{ source: directory, target: "/work", readOnly: true, relabel: "none" }],
      capabilities: "install",
      commit: { reference: `adjutant-test/${site.instance}:base`, labels: imageLabels(site.instance, "base") }
    })
  )
  if (exit.committed === null) return yield* Effect.die(new Error(text()))
  const baseImages = [{ tag: "*", arch: "*", image: exit.committed }]
  return yield* inStep("init", () => baseImage(inputs)).pipe(
    Effect.provideService(BuilderSettings, { ...settings, baseImages })
  )
})

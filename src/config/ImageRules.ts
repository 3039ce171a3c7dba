/** Which image serves which tag and architecture: `f40-build/x86_64=registry.example.org/tools:40 …`, first match wins. */

import { Schema } from "effect"
import { fnmatch } from "../koji/FnMatch.ts"
import { list, type OptionFacts } from "./Option.ts"

/** Tag and architecture are globs. */
export const ImageRule = Schema.Struct({ tag: Schema.String, arch: Schema.String, image: Schema.String })
export type ImageRule = typeof ImageRule.Type

const readRule = (word: string): ImageRule | undefined => {
  const [, tag, arch, image] = /^(.+)\/([^/=]+)=([^=\s]+)$/.exec(word) ?? []
  return tag === undefined || arch === undefined || image === undefined ? undefined : { tag, arch, image }
}

/** An option that holds such rules. */
export const imageRules = (given: OptionFacts & { readonly default: string }) =>
  list(ImageRule, "rules like f40*/x86_64=image", readRule, (rule) => `${rule.tag}/${rule.arch}=${rule.image}`, given)

/** The image of the first rule whose globs match; undefined when none does. */
export const imageFor = (rules: ReadonlyArray<ImageRule>, tag: string, arch: string): string | undefined =>
  rules.find((rule) => fnmatch(tag, rule.tag) && fnmatch(arch, rule.arch))?.image

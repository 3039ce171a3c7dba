/**
 * `RLIMIT_*` options (daemon.md 7.2): limits that kojid sets for itself and its tasks inherit. A value that makes no
 * sense is a warning, as it is for kojid.
 */
import type { ConfigOption } from "../koji/ConfigParser.ts"
import { splitWords } from "../koji/PythonSpace.ts"

/** `soft` and `hard` are the kernel's numbers, -1 for none. */
export interface ProcessLimit {
  readonly name: string
  readonly soft: number
  readonly hard: number
}

export const isProcessLimit = (option: string): boolean => option.toUpperCase().startsWith("RLIMIT_")

export const readProcessLimits = (
  options: ReadonlyMap<string, ConfigOption>
): { readonly limits: ReadonlyArray<ProcessLimit>; readonly warnings: ReadonlyArray<string> } => {
  const limits: Array<ProcessLimit> = []
  const warnings: Array<string> = []
  for (const [option, { value, file, line }] of options) {
    const name = option.toUpperCase()
    const [soft, hard = soft, ...more] = splitWords(value).map(integer)
    if (soft === undefined || hard === undefined || more.length > 0) {
      warnings.push(`${file}, line ${line}: ${name} must be one or two whole numbers, it is left alone`)
    } else limits.push({ name, soft, hard })
  }
  return { limits, warnings }
}

const integer = (word: string): number | undefined =>
  /^-?[0-9]{1,15}$/.test(word) ? Number.parseInt(word, 10) : undefined

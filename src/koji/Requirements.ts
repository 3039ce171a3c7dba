/** What a source package requires, as a package manager is asked for it. */
import type { RpmHeader } from "./RpmHeader.ts"

/** rpm's bits of a dependency's flags. */
const less = 2
const greater = 4
const equal = 8
/** Features of rpm itself, not packages. */
const rpmlib = 1 << 24

const operator = (flags: number): string =>
  `${flags & less ? "<" : ""}${flags & greater ? ">" : ""}${flags & equal ? "=" : ""}`

/** `zlib-devel`, `gcc >= 12`, `pkgconfig(x)`, `/usr/bin/python3`, `(a or b)`: each once, in the header's order. */
export const requirementTexts = (header: RpmHeader): ReadonlyArray<string> => {
  const texts = header.requires
    .filter(({ name, flags }) => (flags & rpmlib) === 0 && !name.startsWith("rpmlib("))
    .map(({ name, flags, version }) =>
      operator(flags) === "" || version === "" ? name : `${name} ${operator(flags)} ${version}`
    )
  return [...new Set(texts)]
}

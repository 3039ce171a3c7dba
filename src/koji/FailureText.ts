/**
 * How kojid words that mock failed: `mock exited with status 1; see build.log or root.log for more information`
 * (tasks.md 2.7). There is no mock here, but packagers and scripts know these sentences and numbers.
 */

/** The statuses of mock that a container step is given, by what went wrong (tasks.md 14.1). */
export const mockStatus = {
  /** Also any failure of a command inside, which keeps its own status; rpmbuild's is nearly always 1. */
  failed: 1,
  /** Generating dynamic build requirements. */
  buildRequires: 10,
  timeout: 11,
  /** The root itself: an image or a volume that could not be made. */
  root: 20,
  packageManager: 30,
  /** A source package that does not unpack, or a build that leaves no packages. */
  sourcePackage: 40
} as const

export type MockExit =
  | { readonly _tag: "Exited"; readonly status: number }
  | { readonly _tag: "Signaled"; readonly signal: number }
  | { readonly _tag: "Unknown" }

/** `mock exited with status 1`. */
export const mockExited = (status: number): string => `mock exited with status ${status}`

const exitText = (exit: MockExit): string => {
  switch (exit._tag) {
    case "Exited":
      return mockExited(exit.status)
    case "Signaled":
      return `mock was killed by signal ${exit.signal}`
    case "Unknown":
      return "mock terminated for unknown reasons"
  }
}

/** Which log to read first. */
export const logHint = (exit: MockExit): string => {
  if (exit._tag !== "Exited") return "root.log"
  if (exit.status === mockStatus.buildRequires) return "build.log"
  return exit.status === mockStatus.failed ? "build.log or root.log" : "root.log"
}

/**
 * The whole sentence, as it stands in a fault. `detail` says what kojid could not have known, such as a limit of ours
 * that was reached; it follows the sentence, which is left as it is. `hint` replaces the log to read.
 */
export const mockSentence = (exit: MockExit, detail = "", hint = logHint(exit)): string =>
  `${exitText(exit)}; see ${hint} for more information${detail === "" ? "" : ` (${detail})`}`

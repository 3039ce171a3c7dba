/** Whether what tasks fetch, and what they send, gets there: the hub's tree served and mounted, and the mail server. */
import { type Finding, ok, problem, warning } from "./Finding.ts"

/** What came of asking a server. */
export type Served =
  | { readonly _tag: "Status"; readonly status: number }
  | { readonly _tag: "Silent"; readonly message: string }

/** `sample` is the file that was asked for, which the tree must hold; null when only its directory `repos` could be. */
export const topUrlFinding = (url: string, sample: string | null, served: Served): Finding => {
  const subject = "topurl"
  if (served._tag === "Silent") return problem(subject, `${url}: ${served.message}`, "check topurl in [kojid], and TLS")
  const { status } = served
  if (status < 400) return ok(subject, sample === null ? `${url} answers` : `${url} holds ${sample}`)
  if (sample !== null) {
    return problem(
      subject,
      `${url} does not serve ${sample}, which the hub has (HTTP status ${status})`,
      "topurl in [kojid] must be the top of this hub's file tree, open to this host"
    )
  }
  // A server need not list a directory, nor know of any.
  return status < 500
    ? ok(subject, `${url} answers; the hub has no repository yet that could be looked for there`)
    : problem(subject, `${url} answers with HTTP status ${status}`, "look at the web server's log")
}

export interface TopDirectoryFacts {
  readonly path: string
  readonly holdsRepos: boolean
  /** Null when nothing could be looked for. */
  readonly holdsSample: boolean | null
  /** Whether tasks that make repositories come to this host; null when nobody knows. */
  readonly makesRepos: boolean | null
}

export const topDirectoryFinding = ({ path, holdsRepos, holdsSample, makesRepos }: TopDirectoryFacts): Finding => {
  const subject = "topdir"
  if (holdsRepos && holdsSample !== false) return ok(subject, `${path} is the hub's tree`)
  const found = holdsRepos ? `${path} is not this hub's tree` : `the hub's tree is not mounted at ${path}`
  const advice = "mount it there read-only, or keep the host out of the channel createrepo"
  if (makesRepos === false) return ok(subject, `${found}, which only repository tasks need`)
  const consequence = `${found}: newRepo and createrepo tasks are given back`
  return makesRepos === true ? problem(subject, consequence, advice) : warning(subject, consequence, advice)
}

/** `answer` is null when no server has been named. */
export const mailFinding = (host: string, answer: Served | null): Finding => {
  const subject = "mail"
  if (answer === null) {
    return warning(subject, "smtphost is not set: notifications fail", "name a mail server as smtphost in [kojid]")
  }
  return answer._tag === "Silent"
    ? warning(subject, `${host}: ${answer.message}`, "check smtphost in [kojid]; notifications fail without it")
    : ok(subject, `${host} answers`)
}

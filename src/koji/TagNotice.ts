/** The mail about a build that was tagged, untagged or moved, or was to be (tasks.md 5.2). */
import { noticeText, pythonTruthText } from "./Notice.ts"

export interface TagNotice {
  readonly from: string
  readonly recipients: ReadonlyArray<string>
  readonly successful: boolean
  readonly packageName: string
  readonly nvr: string
  readonly draft: boolean
  readonly user: string
  /** Out of which tag and into which. */
  readonly fromTag: string | null
  readonly intoTag: string | null
  readonly failure: string
}

/** What was done, by the tags that it concerns. */
const actionOf = ({ fromTag, intoTag }: TagNotice): string =>
  fromTag === null ? "tagged" : intoTag === null ? "untagged" : "moved"

export const tagNoticeText = (notice: TagNotice): string => {
  const { packageName, nvr, user, fromTag, intoTag, successful } = notice
  const action = actionOf(notice)
  const operation = [
    action,
    ...(fromTag === null ? [] : [`from ${fromTag}`]),
    ...(intoTag === null ? [] : [`into ${intoTag}`])
  ]
  const sentence = `${nvr} ${successful ? "successfully" : "unsuccessfully"} ${operation.join(" ")} by ${user}`
  const status = successful ? "complete" : "failed"
  const tags = [fromTag, intoTag].filter((tag) => tag !== null)
  return noticeText(
    [
      ["From", notice.from],
      ["Subject", sentence],
      ["To", notice.recipients.join(", ")],
      ["X-Koji-Package", packageName],
      ["X-Koji-NVR", nvr],
      ["X-Koji-Draft", pythonTruthText(notice.draft)],
      ["X-Koji-User", user],
      ["X-Koji-Status", status],
      ...tags.map((tag) => ["X-Koji-Tag", tag] as const)
    ],
    [
      `Package: ${packageName}`,
      `NVR: ${nvr}`,
      `User: ${user}`,
      `Status: ${status}`,
      `Tag Operation: ${action}`,
      ...(fromTag === null ? [] : [`From Tag: ${fromTag}`]),
      ...(intoTag === null ? [] : [`Into Tag: ${intoTag}`]),
      "",
      sentence,
      ...(successful ? [] : ["Operation failed with the error:", `    ${notice.failure}`])
    ]
  )
}

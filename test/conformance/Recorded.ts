/** The recorded sessions, as what was asked in each. */
import { Result } from "effect"
import { splitKeywords } from "../../src/hub/Keywords.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { type Phase, type RecordedCall, transcript } from "../contract/Transcripts.ts"
import type { Asked } from "./Shape.ts"

export interface RecordedAsk extends Asked {
  readonly session: string
  /** Whether it was a fault that came back. */
  readonly refused: boolean
}

const asked = ({ session, method, query, request, response }: RecordedCall): RecordedAsk => {
  const refused = Result.getOrThrow(decodeAnswer(response))._tag === "Fault"
  if (request?.startsWith("<") === true) {
    const { positional, keywords } = splitKeywords(Result.getOrThrow(decodeCall(request)).params)
    return { session, method, params: positional, keywords, file: null, refused }
  }
  const upload = new URLSearchParams(query)
  const file = `${upload.get("filepath")}/${upload.get("filename")}`
  return { session, method: "rawUpload", params: [], keywords: {}, file, refused }
}

/** A task that is run again has another session: it is called `task51/2`. */
const separated = (calls: ReadonlyArray<RecordedCall>): ReadonlyArray<RecordedCall> => {
  const ids = new Map<string, Array<string>>()
  return calls.map((call) => {
    const { session, requestHeaders } = call
    const id = requestHeaders["Koji-Session-Id"] ?? ""
    const known = ids.get(session) ?? []
    if (!known.includes(id)) ids.set(session, [...known, id])
    const nth = ids.get(session)?.indexOf(id) ?? 0
    return nth === 0 || session === "login" ? call : { ...call, session: `${session}/${nth + 1}` }
  })
}

const read = new Map<Phase, ReadonlyArray<RecordedAsk>>()

export const recorded = (phase: Phase): ReadonlyArray<RecordedAsk> => {
  const known = read.get(phase) ?? separated(transcript(phase)).map(asked)
  read.set(phase, known)
  return known
}

/** The sessions of a phase by their names: `login`, the daemon's (`main2`), each task's (`task6`). */
export const sessionsOf = (phase: Phase): ReadonlyArray<string> => [
  ...new Set(recorded(phase).map(({ session }) => session))
]

export const sessionOf = (phase: Phase, session: string): ReadonlyArray<RecordedAsk> =>
  recorded(phase).filter((one) => one.session === session)

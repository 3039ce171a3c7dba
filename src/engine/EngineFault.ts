/**
 * What an engine's refusal means. Docker says it with HTTP statuses; Podman 4.3 answers much with 500 and a text, so
 * that its texts are read here, and nowhere else.
 */
import { Predicate } from "effect"
import { EngineError } from "./Engine.ts"

/** The failed operation as an `EngineError`. `cause` is what dockerode rejected with. */
export const engineFault = (operation: string, subject: string, cause: unknown): EngineError => {
  const message = messageOf(cause)
  return new EngineError({ operation, subject, reason: reasonOf(statusOf(cause), message), message })
}

/** The HTTP status of the answer, or undefined when there was no answer. */
export const statusOf = (cause: unknown): number | undefined =>
  Predicate.hasProperty(cause, "statusCode") && typeof cause.statusCode === "number" ? cause.statusCode : undefined

/**
 * Podman before 4.4 could not tell of a container because a process of it ended while it looked. It can a moment later.
 * Source: Podman's issue 16383.
 */
export const endedMeanwhile = ({ message }: EngineError): boolean =>
  /\/proc\/\d+\/cgroup: no such process/.test(message)

/** Docker's words for the log of a container that somebody is removing. */
const marked = /dead or marked for removal/
const podmanConflict =
  /already in use|is in use|being used by|is running|can only kill running|not running|container state improper|in progress/

const reasonOf = (status: number | undefined, message: string): EngineError["reason"] => {
  switch (status) {
    case undefined:
      return "unreachable"
    case 404:
      return "missing"
    case 409:
      return marked.test(message) ? "missing" : "conflict"
    case 500:
      return podmanConflict.test(message) ? "conflict" : "refused"
    default:
      return "refused"
  }
}

const messageOf = (cause: unknown): string => {
  if (Predicate.hasProperty(cause, "json") && Predicate.hasProperty(cause.json, "message")) {
    return String(cause.json.message)
  }
  if (cause instanceof Error) return cause.message.trim()
  return String(cause)
}

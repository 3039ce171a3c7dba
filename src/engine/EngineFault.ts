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
 * The engine could not tell what there is, because something of it went away while it looked: it can a moment later.
 * Podman fails a look at all containers because a process of one ended (before 4.4; its issue 16383), or a look at all
 * images because one was removed, and takes the id of an image that has just gone for a name; Docker fails a look at an
 * image that is being removed.
 */
export const changedMeanwhile = ({ reason, message }: EngineError): boolean =>
  reason === "refused" && spoilt.test(message)
const spoilt =
  /\/proc\/\d+\/cgroup: no such process|(?:image|layer|container) not known|64-byte hexadecimal|layer does not exist/

/** Docker's words for the log of a container that somebody is removing. */
const marked = /dead or marked for removal/
/** Podman's, of a container that went away after it had been found. */
const goneMeanwhile = /no such container|container has already been removed/
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
      if (goneMeanwhile.test(message)) return "missing"
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

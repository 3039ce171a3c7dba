/** What commands have to say beside their output: a line on standard error, so that output can be piped on. */
import { Logger } from "effect"
import { harmless } from "../inspect/Harmless.ts"

const line = Logger.make<unknown, string>(({ logLevel, message }) => {
  const words = (Array.isArray(message) ? message : [message]).map(String).join(" ")
  const level = logLevel === "Warn" || logLevel === "Error" || logLevel === "Fatal" ? "" : `${logLevel.toLowerCase()}: `
  return `adjutant: ${level}${harmless(words)}`
})

/** For everything but the daemon, whose log is its output. */
export const layerStderrLog = Logger.layer([Logger.withConsoleError(line)])

/**
 * What the daemon logs (daemon.md 4.1): what is at least as grave as `log_level`. What the command line says counts more,
 * be it more or less. Nobody has to say anything: kojid is quiet then, but its unit asks for what is logged here.
 */
import type { LogLevel } from "effect"
import type { KojidOptions } from "../config/KojidOptions.ts"
import type { DaemonRequest } from "./DaemonCommand.ts"

const levels = { CRITICAL: "Fatal", ERROR: "Error", WARNING: "Warn", INFO: "Info", DEBUG: "Debug" } as const

export const daemonLogLevel = (
  configured: KojidOptions["log_level"],
  asked: DaemonRequest["logLevel"]
): LogLevel.LogLevel => {
  switch (asked) {
    case "debug":
      return "Debug"
    case "verbose":
      return "Info"
    case "as configured":
      return levels[configured]
  }
}

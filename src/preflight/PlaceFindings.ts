/** What there is to say of this machine: directories, room, secrets, SELinux, and where the hub's tree is to be had. */
import type { Provenance } from "../config/OptionSources.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export interface DirectoryFacts {
  /** `state_dir`, `log_dir`. */
  readonly option: string
  readonly path: string
  readonly kind: "directory" | "missing" | "link" | "other"
  readonly mode: number
  readonly isOurs: boolean
  readonly isWritable: boolean
  /** Nobody but us may look into it. */
  readonly isPrivate: boolean
}

export const directoryFinding = (facts: DirectoryFacts): Finding => {
  const { option: subject, path, kind, mode, isOurs, isWritable, isPrivate } = facts
  const octal = (mode & 0o7777).toString(8).padStart(4, "0")
  switch (kind) {
    case "missing":
      return isWritable
        ? ok(subject, `${path} is not there yet: the daemon makes it`)
        : problem(
            subject,
            `${path} is not there, and cannot be made`,
            "make it, for the daemon's user, or check as root"
          )
    case "link":
      return problem(subject, `${path} is a symbolic link`, `name the directory itself as ${subject}`)
    case "other":
      return problem(subject, `${path} is no directory`, `name a directory as ${subject}`)
    case "directory":
      if (!isWritable) return problem(subject, `${path} cannot be written to`, "give it to the daemon's user")
      if (!isPrivate) return ok(subject, `${path} can be written to`)
      if (!isOurs) return problem(subject, `${path} belongs to another user`, "run as its owner, or chown it")
      return (mode & 0o077) === 0
        ? ok(subject, `${path} is ours alone`)
        : problem(
            subject,
            `${path} is open to group or others (mode ${octal})`,
            `look who has been there, then chmod 0700 ${path}`
          )
  }
}

export interface VolumeFacts {
  readonly path: string
  /** Null when the file system cannot be asked. */
  readonly freeMebibytes: number | null
}

/** Room below this is no problem yet, but near one. */
const comfortFactor = 2

export const volumeFinding = ({ path, freeMebibytes }: VolumeFacts, minSpaceMebibytes: number): Finding => {
  const subject = "disk"
  if (freeMebibytes === null) {
    return warning(subject, `${path} cannot be asked how much room it has`, "check as the user that the daemon runs as")
  }
  const found = `${freeMebibytes} MiB free at ${path}`
  const least = `minspace is ${minSpaceMebibytes}`
  if (freeMebibytes < minSpaceMebibytes) {
    return problem(subject, `${found}, ${least}: the host takes no tasks`, "make room, or lower minspace in [kojid]")
  }
  return freeMebibytes < comfortFactor * minSpaceMebibytes
    ? warning(subject, `${found}, ${least}: little is left for builds`, "make room, or lower image_cache_bytes")
    : ok(subject, found)
}

export interface SecretFacts {
  /** What it holds: `password`, `cert`, `keytab`. */
  readonly option: string
  readonly path: string
  readonly mode: number
}

export const secretFinding = ({ option, path, mode }: SecretFacts): Finding => {
  const subject = "secrets"
  return (mode & 0o077) === 0
    ? ok(subject, `${path} (${option}) is closed to others`)
    : warning(
        subject,
        `${path} (${option}) is open to group or others (mode ${(mode & 0o7777).toString(8).padStart(4, "0")})`,
        `chmod 0600 ${path}, and change what it held if others were there`
      )
}

/** The files of a configuration that hold something secret, by option. */
export const secretFiles = (
  provenance: ReadonlyMap<string, Provenance>,
  files: Readonly<Record<string, string | null>>
): ReadonlyArray<{ readonly option: string; readonly path: string }> => {
  const found = ["password", "smtp_pass"].flatMap((option) => {
    const from = provenance.get(option)
    return from?._tag === "File" ? [{ option, path: from.file }] : []
  })
  for (const [option, path] of Object.entries(files)) if (path !== null) found.push({ option, path })
  return found
}

export const selinuxFinding = (enforcing: boolean, engineLabels: boolean | null, relabel: "auto" | "off"): Finding => {
  const subject = "SELinux"
  if (!enforcing) return ok(subject, "is not enforcing")
  if (engineLabels === false) {
    return warning(
      subject,
      "is enforcing, and the engine runs containers unconfined",
      'Docker: "selinux-enabled": true in daemon.json; Podman: do not disable labels in containers.conf'
    )
  }
  return relabel === "off"
    ? problem(subject, "is enforcing, and mounts are not relabelled: builds cannot read them", "set selinux = auto")
    : ok(subject, "is enforcing; mounts are relabelled")
}

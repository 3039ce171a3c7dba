/**
 * The authorities that containers trust which fetch packages: those of this machine, and `serverca`. mock's package manager
 * runs on the host and finds them there; ours runs in a tools image, which knows at best what its maker knew.
 */
import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import type { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { reads } from "../buildroot/ContainerSteps.ts"
import type { KojidOptions } from "../config/KojidOptions.ts"
import type { VolumeMount } from "../engine/ContainerSpec.ts"
import { trustedForFiles } from "../hub/HubClient.ts"
import { readTlsFiles } from "../hub/TlsFiles.ts"

/** Where libraries look for them: on Debian; on EL and Fedora; on openSUSE. */
const taken = /^\/etc(\/(pki|ssl)(\/|$)|$)/
const places = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"]

/** Writes them into a file of the directory, and gives the mounts that put it where it is looked for. */
export const authorityMounts = Effect.fnUntraced(function* (
  { serverca }: Pick<KojidOptions, "serverca">,
  { stateDirectory: directory, relabel, installMounts }: BuilderSettings["Service"]
) {
  // What the operator shows of these directories is what he wants there, and nothing can be mounted into it.
  if (installMounts.some(({ target }) => taken.test(target))) return []
  const tls = yield* readTlsFiles({ certificate: null, authorities: serverca, verify: true })
  const file = join(directory, "authorities.pem")
  yield* Effect.promise(async () => {
    // In one go: containers that run have the old one.
    await writeFile(`${file}.new`, `${trustedForFiles(tls).join("\n")}\n`, { mode: 0o644 })
    await rename(`${file}.new`, file)
  })
  return places.map((place): VolumeMount => ({ ...reads(file, place, false), relabel: relabel ? "shared" : "none" }))
})

/** Authorities and certificates of a test's own, made by openssl in a directory that goes with the test. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** A directory that goes with the scope. */
export const certificateDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-certificates-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] })
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

export interface Authority {
  readonly certificate: string
  readonly key: string
}

/** An authority; the files are named after it. */
export const makeAuthority = (directory: string, name: string): Authority => {
  const made = { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    made.key,
    "-out",
    made.certificate,
    "-subj",
    `/CN=${name}`,
    "-days",
    "9"
  )
  return made
}

export interface Wanted {
  readonly name: string
  /** For a server: `DNS:localhost`. */
  readonly alternatives?: string
  readonly isExpired?: boolean
}

export interface Issued {
  readonly certificate: string
  readonly key: string
  /** Both in one file, as `cert` wants them. */
  readonly both: string
}

/** A certificate that the authority has signed; a day long past its end if that is wanted. */
export const issue = (directory: string, authority: Authority, { name, alternatives, isExpired }: Wanted): Issued => {
  const at = (ending: string) => join(directory, `${name}-${isExpired === true ? "expired" : "good"}.${ending}`)
  openssl("req", "-new", ...newKey, "-keyout", at("key"), "-out", at("csr"), "-subj", `/O=Test/CN=${name}`)
  writeFileSync(at("ext"), alternatives === undefined ? "" : `subjectAltName=${alternatives}\n`)
  const signing = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial", "-extfile", at("ext")]
  const days = isExpired === true ? "-1" : "9"
  openssl("x509", "-req", "-in", at("csr"), ...signing, "-days", days, "-out", at("crt"))
  writeFileSync(at("pem"), `${readFileSync(at("crt"), "latin1")}${readFileSync(at("key"), "latin1")}`)
  return { certificate: at("crt"), key: at("key"), both: at("pem") }
}

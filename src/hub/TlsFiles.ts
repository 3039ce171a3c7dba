/**
 * What TLS needs of the operator's files: the client's certificate with its key, and the authorities to trust. All that
 * can be wrong with them is found here, before any of it goes near a network: a hub says of a bad certificate that it
 * does not like it, at best.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { createSecureContext } from "node:tls"
import { Clock, Effect, Redacted, Schema } from "effect"

/** The rules, as kojid.conf has them. */
export interface TlsRules {
  /** PEM file with the client's certificate and its key. */
  readonly certificate: string | null
  /** PEM file with the authorities to trust instead of the system's. */
  readonly authorities: string | null
  /** Whether the hub's certificate is looked at; without it, whoever answers is the hub. */
  readonly verify: boolean
}

/** The rules with the contents of their files. */
export interface TlsMaterial {
  readonly identity: ClientIdentity | null
  readonly authorities: ReadonlyArray<string> | null
  readonly verify: boolean
}

export interface ClientIdentity {
  /** Where it is from, for messages. */
  readonly file: string
  /** The certificate, and those of the authorities between it and the root if the file has them. */
  readonly certificates: string
  readonly key: Redacted.Redacted
}

/** A file that the login needs cannot serve. */
export class CredentialError extends Schema.TaggedError<CredentialError>()("CredentialError", {
  file: Schema.String,
  message: Schema.String
}) {}

const wrong = (file: string, message: string) => new CredentialError({ file, message: `${file} ${message}` })

/** Reads and checks the files. `no_ssl_verify` counts only where there is nothing to verify with (daemon.md 7.2). */
export const readTlsFiles = Effect.fn("readTlsFiles")(function* (rules: TlsRules) {
  const authorities = rules.authorities === null ? null : yield* readAuthorities(rules.authorities)
  const identity = rules.certificate === null ? null : yield* readIdentity(rules.certificate)
  return { identity, authorities, verify: rules.verify || authorities !== null } satisfies TlsMaterial
})

/** A bundle of every authority of the world is a quarter of this. */
const fileBytesMax = 4 * 1024 * 1024

const readSmall = (file: string, option: string): Effect.Effect<string, CredentialError> =>
  Effect.tryPromise({
    try: async () => {
      const status = await stat(file)
      if (!status.isFile()) throw new Error("it is not a file")
      if (status.size > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax} bytes`)
      return await readFile(file, "latin1")
    },
    catch: (cause) =>
      wrong(
        file,
        `(${option}) cannot be read (${cause instanceof Error ? cause.message : String(cause)}): ` +
          "look at the path and at whom the file belongs to."
      )
  })

const block = (label: string) => new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----`, "g")
const certificateBlocks = block("(?:TRUSTED |X509 )?CERTIFICATE")
const keyBlocks = block("[A-Z ]*PRIVATE KEY")

const parsed = (file: string, pem: string, which: string): Effect.Effect<X509Certificate, CredentialError> =>
  Effect.try({
    try: () => new X509Certificate(pem),
    catch: () => wrong(file, `is damaged: its ${which} cannot be read as one. Ask for the file again.`)
  })

const readAuthorities = Effect.fnUntraced(function* (file: string) {
  const found = (yield* readSmall(file, "serverca")).match(certificateBlocks) ?? []
  if (found.length === 0) {
    return yield* wrong(file, "(serverca) holds no certificate: it must be the PEM file of the hub's authority.")
  }
  for (const [at, pem] of found.entries()) yield* parsed(file, pem, `certificate number ${at + 1}`)
  return found
})

const readIdentity = Effect.fnUntraced(function* (file: string) {
  const text = yield* readSmall(file, "cert")
  const [leaf, ...between] = text.match(certificateBlocks) ?? []
  if (leaf === undefined) {
    return yield* wrong(file, "(cert) holds no certificate: it must be a PEM file with the certificate and its key.")
  }
  const certificate = yield* parsed(file, leaf, "certificate")
  const [pem] = text.match(keyBlocks) ?? []
  if (pem === undefined) {
    return yield* wrong(file, "(cert) holds no private key: append the key to the certificate, in the same file.")
  }
  if (!certificate.checkPrivateKey(yield* readKey(file, pem))) {
    return yield* wrong(
      file,
      `(cert): the private key is not the one of the certificate (${nameOf(certificate)}), which must come first. ` +
        "Put the two together that were made together."
    )
  }
  yield* inDate(file, certificate)
  const certificates = [leaf, ...between].join("\n")
  yield* strongEnough(file, certificates, pem)
  return { file, certificates, key: Redacted.make(pem) } satisfies ClientIdentity
})

const readKey = (file: string, pem: string): Effect.Effect<KeyObject, CredentialError> =>
  /ENCRYPTED/.test(pem)
    ? Effect.fail(
        wrong(file, "(cert): the private key wants a passphrase, which nobody is there to type: store it without one.")
      )
    : Effect.try({
        try: () => createPrivateKey(pem),
        catch: () => wrong(file, "(cert) is damaged: its private key cannot be read as one.")
      })

const inDate = Effect.fnUntraced(function* (file: string, certificate: X509Certificate) {
  const now = yield* Clock.currentTimeMillis
  const { validFromDate: from, validToDate: to } = certificate
  if (now > to.getTime()) {
    return yield* wrong(
      file,
      `(cert): the certificate (${nameOf(certificate)}) expired on ${day(to)}: get a new one from the hub's administrators.`
    )
  }
  if (now < from.getTime()) {
    return yield* wrong(
      file,
      `(cert): the certificate (${nameOf(certificate)}) is valid from ${day(from)} on: look at this machine's clock.`
    )
  }
})

/** Short keys and old digests are refused by the library itself, which says which of them it is. */
const strongEnough = (file: string, cert: string, key: string) =>
  Effect.try({
    try: () => createSecureContext({ cert, key }),
    catch: (cause) =>
      wrong(
        file,
        `(cert) cannot be used (${cause instanceof Error ? cause.message : String(cause)}): ` +
          "get a new one, with a key that is long enough for today."
      )
  })

const day = (date: Date): string => date.toISOString().slice(0, 10)

/** Who a certificate is of, on one line. */
const nameOf = ({ subject }: X509Certificate): string => (subject ?? "of nobody").split("\n").join(", ")

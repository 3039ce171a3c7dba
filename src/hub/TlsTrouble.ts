/**
 * Why a TLS connection did not come to be, in words that say what to do. Node and OpenSSL tell the reasons apart by
 * codes; trying again mends none of these (daemon.md 2.9).
 */
export interface TlsTrouble {
  /** We do not trust the hub, or it does not take us. */
  readonly outlook: "untrusted" | "refused"
  readonly message: string
}

/** Undefined for whatever is not about certificates. An error that was wrapped once is looked into. */
export const tlsTrouble = (cause: unknown): TlsTrouble | undefined => {
  if (!(cause instanceof Error)) return undefined
  if (!("code" in cause)) return cause.cause === undefined ? undefined : tlsTrouble(cause.cause)
  const code = String(cause.code)
  const words = theirs.find(([codes]) => codes.test(code))?.[1]
  if (words !== undefined) return { outlook: "untrusted", message: `${words} (${cause.message})` }
  const alert = ours.find(([codes]) => codes.test(code))?.[1]
  return alert === undefined ? undefined : { outlook: "refused", message: `${alert} (${code})` }
}

/** Of the hub's certificate, the special before the general. */
const theirs: ReadonlyArray<readonly [codes: RegExp, words: string]> = [
  [
    /^CERT_HAS_EXPIRED$/,
    "the hub's certificate has expired: its administrators must renew it, unless this machine's clock is wrong"
  ],
  [/^CERT_NOT_YET_VALID$/, "the hub's certificate is not valid yet: look at this machine's clock"],
  [/^ERR_TLS_CERT_ALTNAME/, "the hub's certificate is for another name: set server to a name that the certificate has"],
  [
    /SELF_SIGNED|^UNABLE_TO_GET_ISSUER|^UNABLE_TO_VERIFY_LEAF/,
    "nobody who is trusted here vouches for the hub's certificate: set serverca to the file of the authority that does"
  ],
  [/^(CERT|CRL|UNABLE_TO|ERR_TLS_CERT)_/, "the hub's certificate does not hold"]
]

const refuses = "the hub does not take our certificate (cert)"
/** What the hub says of ours, as TLS alerts. */
const ours: ReadonlyArray<readonly [codes: RegExp, words: string]> = [
  [/ALERT_UNKNOWN_CA$/, `${refuses}: it does not know the authority that signed it`],
  [/ALERT_CERTIFICATE_EXPIRED$/, `${refuses}: it has expired, by the hub's clock`],
  [/ALERT_CERTIFICATE_REVOKED$/, `${refuses}: it has been revoked`],
  [/ALERT_(BAD|UNSUPPORTED)_CERTIFICATE$|ALERT_CERTIFICATE_UNKNOWN$/, `${refuses}: ask its administrators why`],
  [/ALERT_CERTIFICATE_REQUIRED$|ALERT_HANDSHAKE_FAILURE$/, "the hub wants a client certificate: set cert"]
]

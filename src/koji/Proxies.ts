/**
 * Which proxy a URL is asked through: as Python's requests finds it in the environment, on which kojid stands
 * (daemon.md 2.1, 7.1). Other programs read the same variables with rules of their own.
 *
 * A variable in lower case counts more than one in upper case; an empty one unsets it. What stands in `no_proxy` is a
 * name with all that is below it, with a port or without, an address, or a network of addresses.
 * These are the rules of requests 2.34; by those of older ones a name covers all that ends with it, so that
 * `hub.example.org` would cover kojihub.example.org too.
 */
import { Redacted, Result } from "effect"

type Environment = Readonly<Record<string, string | undefined>>

interface Setting {
  readonly variable: string
  readonly text: string
}

/** What the environment says of proxies. */
export interface ProxySettings {
  /** By what stands before `_proxy`, in lower case. */
  readonly settings: ReadonlyMap<string, Setting>
  /** Who is reached without one. requests and the library below it do not take this from the same variable. */
  readonly exceptions: readonly [string, string]
}

export interface Proxy {
  /** The variable that names it. */
  readonly variable: string
  /** Without user and password. */
  readonly address: string
  /** With them. */
  readonly url: Redacted.Redacted
  /** The value of `Proxy-Authorization`. */
  readonly authorization: Redacted.Redacted | null
}

/** As a person is told of it. */
export const proxyWords = ({ address, variable }: Proxy): string => `the proxy ${address} (${variable})`

const suffix = "_proxy"

export const readProxies = (environment: Environment): ProxySettings => {
  const settings = new Map<string, Setting>()
  const entries = Object.entries(environment)
  for (const [variable, text = ""] of entries) {
    const name = variable.toLowerCase()
    if (text !== "" && name.endsWith(suffix)) settings.set(name.slice(0, -suffix.length), { variable, text })
  }
  for (const [variable, text] of entries) {
    if (text === undefined || !variable.endsWith(suffix)) continue
    const name = variable.slice(0, -suffix.length).toLowerCase()
    if (text === "") settings.delete(name)
    else settings.set(name, { variable, text })
  }
  const exceptions = environment["no_proxy"] || (environment["NO_PROXY"] ?? "")
  return { settings, exceptions: [exceptions, settings.get("no")?.text ?? ""] }
}

/** What is set, for a person to see; what is secret is left out. */
export const shownProxies = ({ settings }: ProxySettings): ReadonlyArray<Setting> =>
  ["http", "https", "all", "no"].flatMap((name) => {
    const found = settings.get(name)
    return found === undefined
      ? []
      : [{ variable: found.variable, text: name === "no" ? found.text : shown(found.text) }]
  })

const shown = (text: string): string => text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1[hidden]@")

/** The proxy for this URL, undefined if it is reached without one; or what is wrong with the variable that names it. */
export const proxyFor = (proxies: ProxySettings, url: URL): Result.Result<Proxy | undefined, string> => {
  const setting = proxies.settings.get(url.protocol.slice(0, -1)) ?? proxies.settings.get("all")
  return setting === undefined || isExcepted(proxies.exceptions, url) ? Result.succeed(undefined) : parsed(setting)
}

const parsed = ({ variable, text }: Setting): Result.Result<Proxy, string> => {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    return Result.fail(
      `${variable} in the environment names no proxy that is spoken here: it must be like http://proxy.example.org:3128`
    )
  }
  // Of a user without a password requests says nothing to the proxy.
  const isKnown = url.username !== "" && /^[^/]*\/\/[^/@]*:[^/]*@/.test(written)
  const pair = Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString("base64")
  return Result.succeed({
    variable,
    address: url.origin,
    url: Redacted.make(isKnown ? url.href : url.origin),
    authorization: isKnown ? Redacted.make(`Basic ${pair}`) : null
  })
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const defaultPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" }

/** First requests is asked, then the library below it. */
const isExcepted = ([exceptions, below]: ProxySettings["exceptions"], url: URL): boolean => {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  const named = [host, `${host}:${url.port || (defaultPorts[url.protocol] ?? "")}`]
  const names = exceptions
    .replaceAll(" ", "")
    .split(",")
    .filter((name) => name !== "")
  const address = ipv4(host)
  if (address === undefined ? isBelow(named, names) : names.some((name) => covers(name, address, host))) return true
  if (below === "*") return true
  return isBelow(
    [host],
    below.split(",").map((name) => name.trim().toLowerCase())
  )
}

const isBelow = (hosts: ReadonlyArray<string>, names: ReadonlyArray<string>): boolean =>
  names
    .filter((name) => name !== "")
    .map((name) => name.replace(/^\.+/, ""))
    .some((name) => hosts.some((host) => host === name || host.endsWith(`.${name}`)))

/** Whether the address is this one, or in this network: `10.0.0.0/8`. */
const covers = (name: string, address: number, host: string): boolean => {
  const [, network = "", mask = ""] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(name) ?? []
  const from = ipv4(network)
  const bits = Number(mask)
  if (from === undefined || bits < 1 || bits > 32) return name === host
  const size = 2 ** (32 - bits)
  return Math.floor(address / size) === Math.floor(from / size)
}

/** The number that four decimal ones make. */
const ipv4 = (text: string): number | undefined => {
  const parts = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(text)?.slice(1).map(Number)
  return parts?.every((part) => part <= 255) ? parts.reduce((number, part) => number * 256 + part, 0) : undefined
}

/** What is expected here is what requests 2.34 does. */
import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result } from "effect"
import { proxyFor, readProxies, shownProxies } from "../../src/koji/Proxies.ts"

type Environment = Readonly<Record<string, string>>

const chosen = (environment: Environment, url: string): string | null => {
  const proxy = Result.getOrThrow(proxyFor(readProxies(environment), new URL(url)))
  return proxy === undefined ? null : `${proxy.variable} ${proxy.address}`
}

describe("the proxy of a URL", () => {
  const http = "http://one.example:3128"
  const https = "http://two.example:3128"

  it("is the one for its scheme, or the one for all", () => {
    const environment = { http_proxy: http, https_proxy: https }
    assert.strictEqual(chosen(environment, "http://hub/"), `http_proxy ${http}`)
    assert.strictEqual(chosen(environment, "https://hub/"), `https_proxy ${https}`)
    assert.strictEqual(chosen({ http_proxy: http }, "https://hub/"), null)
    assert.strictEqual(chosen({ http_proxy: http, ALL_PROXY: https }, "https://hub/"), `ALL_PROXY ${https}`)
    assert.strictEqual(chosen({}, "https://hub/"), null)
  })

  it("is named in lower case rather than in upper case, and an empty name unsets it", () => {
    assert.strictEqual(chosen({ HTTPS_PROXY: http, https_proxy: https }, "https://hub/"), `https_proxy ${https}`)
    assert.strictEqual(chosen({ HTTPS_PROXY: http }, "https://hub/"), `HTTPS_PROXY ${http}`)
    assert.strictEqual(chosen({ HTTPS_PROXY: http, https_proxy: "" }, "https://hub/"), null)
    assert.strictEqual(chosen({ HTTPS_PROXY: "" }, "https://hub/"), null)
  })

  const excepted: ReadonlyArray<readonly [no: string, url: string, isExcepted: boolean]> = [
    ["*", "https://hub.example.org/", true],
    ["other, *", "https://hub.example.org/", false],
    ["example.org", "https://hub.example.org/", true],
    [".example.org", "https://hub.example.org/", true],
    [".example.org", "https://example.org/", true],
    ["other , hub.example.org", "https://hub.example.org/", true],
    ["EXAMPLE.ORG", "https://hub.example.org/", true],
    ["*.example.org", "https://hub.example.org/", false],
    ["example.org", "https://hubexample.org/", false],
    ["hub.example.org:8443", "https://hub.example.org:8443/", true],
    ["hub.example.org:8443", "https://hub.example.org/", false],
    ["10.1.2.3", "https://10.1.2.3/", true],
    ["10.1.2.3:8443", "https://10.1.2.3:8443/", false],
    ["10.0.0.0/8", "https://10.1.2.3/", true],
    ["10.0.0.0/16", "https://10.1.2.3/", false],
    ["192.168.7.8/31", "https://192.168.7.9/", true],
    ["10.0.0.0/33", "https://10.1.2.3/", false],
    ["::1", "https://[::1]:8443/", true],
    ["", "https://hub.example.org/", false]
  ]
  for (const [no, url, isExcepted] of excepted) {
    it(`${isExcepted ? "is not asked" : "is asked"} for ${url} when no_proxy is ${JSON.stringify(no)}`, () =>
      assert.strictEqual(chosen({ all_proxy: http, no_proxy: no }, url) === null, isExcepted))
  }

  it("is given a user and a password, and nothing of them is in its address", () => {
    const read = (text: string) =>
      Result.getOrThrow(proxyFor(readProxies({ all_proxy: text }), new URL("https://hub/")))
    const proxy = read("http://we:s%40cret@proxy.example:3128")
    assert.strictEqual(proxy?.address, "http://proxy.example:3128")
    const authorization = proxy?.authorization ?? Redacted.make("")
    assert.strictEqual(Redacted.value(authorization), `Basic ${Buffer.from("we:s@cret").toString("base64")}`)
    assert.notInclude(JSON.stringify(proxy), "cret")
    assert.isNull(read("we@proxy.example:3128")?.authorization)
    assert.strictEqual(read("proxy.example")?.address, "http://proxy.example")
  })

  it("must be one that is spoken, and what is wrong is told without its password", () => {
    for (const text of ["socks5://we:secret@proxy:1080", "http://", "ftp://proxy", "http://we:secret@proxy:none"]) {
      const failed = proxyFor(readProxies({ https_proxy: text }), new URL("https://hub/"))
      assert.isTrue(Result.isFailure(failed) && failed.failure.startsWith("https_proxy in the environment"), text)
      assert.notInclude(JSON.stringify(failed), "secret")
    }
  })

  it("is shown without user and password", () => {
    const shown = shownProxies(
      readProxies({ HTTPS_PROXY: "http://we:s/e@cret@proxy:3128", http_proxy: "we:secret@proxy", no_proxy: "a,b" })
    )
    assert.deepStrictEqual(shown, [
      { variable: "http_proxy", text: "[hidden]@proxy" },
      { variable: "HTTPS_PROXY", text: "http://[hidden]@proxy:3128" },
      { variable: "no_proxy", text: "a,b" }
    ])
  })
})

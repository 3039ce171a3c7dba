import { assert, describe, it } from "@effect/vitest"
import { renderYumConf, repositoryUrls, withPasswords } from "../../src/koji/YumConf.ts"

describe("the package manager's configuration", () => {
  const site = {
    topUrls: ["http://builder:s3cret@hub.example/kojifiles", "http://mirror.example/kojifiles"],
    topDirectory: "/mnt/koji",
    yumProxy: "http://who:wh$&y@proxy.example:3128"
  }
  const urls = repositoryUrls(site, { id: 7, tag: "f40-build", arch: "x86_64" })
  const choices = { urls, proxy: site.yumProxy, moduleHotfixes: false, best: 0 }

  it("is rendered without passwords, for it is journaled and logged", () => {
    const text = renderYumConf(choices)
    assert.notMatch(text, /s3cret|wh\$&y/)
    assert.include(text, "baseurl=http://builder:[hidden]@hub.example/kojifiles/repos/f40-build/7/x86_64\n")
    assert.include(text, "proxy=http://who:[hidden]@proxy.example:3128\n")
  })

  it("gets the site's passwords back where it is to work", () => {
    const text = withPasswords(renderYumConf(choices), site)
    assert.include(text, `baseurl=${urls[0]}\n        ${urls[1]}\n`)
    assert.include(text, `proxy=${site.yumProxy}\n`)
  })

  it("is the same without passwords in it", () => {
    const plain = { topUrls: ["http://mirror.example/kojifiles"], yumProxy: null }
    const text = renderYumConf({ ...choices, urls: [urls[1] ?? urls[0]], proxy: null })
    assert.strictEqual(withPasswords(text, plain), text)
  })
})

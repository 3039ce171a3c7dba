import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KojiFault } from "../../src/koji/Fault.ts"
import {
  allowedByConfig,
  allowedByPolicy,
  defaultAccess,
  scmPolicyData,
  uselessEntries
} from "../../src/koji/ScmAccess.ts"
import {
  checkoutName,
  gitRemote,
  isScmUrl,
  localRevision,
  parseScmUrl,
  sourceByHash,
  splitScmUrl,
  withoutPasswords
} from "../../src/koji/ScmUrl.ts"

const told = <A>(result: Result.Result<A, KojiFault>): A | string =>
  Result.match(result, {
    onSuccess: (value): A | string => value,
    onFailure: ({ code, message }) => `${code}: ${message}`
  })
const split = (url: string, allowPassword = false) => told(splitScmUrl(url, allowPassword))
const good = (url: string, allowPassword = false) => Result.getOrThrow(splitScmUrl(url, allowPassword))

describe("a source URL", () => {
  it("has one of Koji's schemes, in lower case", () => {
    const types = {
      "cvs://": "CVS",
      "cvs+ssh://": "CVS+SSH",
      "git://": "GIT",
      "git+http://": "GIT",
      "git+https://": "GIT",
      "git+rsync://": "GIT",
      "git+ssh://": "GIT+SSH",
      "svn://": "SVN",
      "svn+http://": "SVN",
      "svn+https://": "SVN",
      "svn+ssh://": "SVN+SSH"
    }
    for (const [scheme, type] of Object.entries(types)) assert.strictEqual(good(`${scheme}h/p#r`).type, type)
    for (const url of [
      "http://h/p#r",
      "https://h/p#r",
      "ssh://h/p#r",
      "file:///p#r",
      "git+file:///p#r",
      "GIT://h/p#r",
      "ext::sh -c x",
      "a/b.src.rpm"
    ]) {
      assert.isFalse(isScmUrl(url), url)
      assert.match(
        String(split(url)),
        /^1000: Invalid scheme in scm url. Valid schemes are: cvs\+ssh:\/\/ cvs:\/\/ git/
      )
    }
  })

  it("has parts", () => {
    assert.deepStrictEqual(good("git+https://me@Host:8443//a/./b/../c.git/?mod/ule//#origin/main"), {
      type: "GIT",
      url: "git+https://me@Host:8443//a/./b/../c.git/?mod/ule//#origin/main",
      scheme: "git+https://",
      user: "me",
      password: null,
      host: "Host:8443",
      repository: "/a/c.git",
      module: "mod/ule",
      revision: "origin/main"
    })
    assert.strictEqual(good("git://h/../../p#r").repository, "/p")
    assert.strictEqual(good("git://h/%2e%2e/p#r").repository, "/%2e%2e/p")
    assert.strictEqual(good("git://h/p#a#b c").revision, "a#b c")
    assert.strictEqual(good("git:///p#r").host, "")
    assert.strictEqual(good("git://u:@h/p#r").user, "u")
    assert.strictEqual(good("git://u:p@h/p#r", true).password, "p")
    assert.strictEqual(good("git://h/p?-a/../b?c d#-r").module, "-a/../b?c d")
  })

  it("is refused in the cases of the table (daemon.md 8.1)", () => {
    const cases = [
      ["git://a@b@h/p#r", "Invalid username@hostname specified"],
      ["git://u:secret@h/p#r", "username:password format not supported: git://u:[hidden]@h/p#r"],
      ["git://h#r", "Could not find the path element."],
      ["git://h/#r", "Path should begin with /"],
      ["git://h/a/..#r", "Path should begin with /"],
      ["git://h/p;x=1#r", "Params element x=1 should be empty."],
      ["git://h/p", "Could not find the fragment element."],
      ["git://h/p#", "Could not find the fragment element."]
    ] as const
    for (const [url, message] of cases) {
      assert.match(String(split(url)), /^1000: /, url)
      assert.include(String(split(url)), message)
    }
    for (const [url] of cases) assert.notInclude(String(split(url)), "secret")
  })

  it("is refused when something could be done with it that it does not say", () => {
    const parse = (url: string) => told(parseScmUrl(url, true))
    const unsafe = [
      "git:///p#r",
      "git://:80/p#r",
      "git://-oProxyCommand=x/p#r",
      "git+ssh://-oProxyCommand=x@h/p#r",
      "git://h/p#-x",
      "git://h/p#origin/-x",
      "git://h/p#a b",
      "git://h/p#a:b",
      "git://h/p#a..b",
      "git://h/p#a\nb",
      "git://h/p\t#a",
      "git://h/p?../x#r",
      "git://h/p?a/../x#r",
      "git://h/p?/etc#r",
      "git://h/p?-x#r",
      "git://h/p?a?b#r",
      "git://h/allowed/%2e%2e/other#r",
      "git://h/a%2Fb#r",
      "git://h/a%5cb#r",
      "git://h/a%252e#r",
      "git://h/a%00#r",
      "git://h/.git#r",
      "git://h/p#r\u00a0"
    ]
    for (const url of unsafe) assert.match(String(parse(url)), /^1000: Unsafe SCM URL/, url)
    for (const url of [
      "git+https://u:p@h:8443/rpms/a%20b.git?sub/dir#v1.0-2^{}",
      "git+ssh://git@h/x#refs/heads/main",
      "svn://h/p?trunk#123"
    ]) {
      assert.isObject(parse(url), url)
    }
  })

  it("gives git what it needs", () => {
    assert.strictEqual(gitRemote(good("git+https://me@h/a/b#r")), "https://me@h/a/b")
    assert.strictEqual(gitRemote(good("git://h/a/b#r")), "git://h/a/b")
    assert.strictEqual(gitRemote(good("git+ssh://me@h/a/b#r")), "git+ssh://me@h/a/b")
    assert.strictEqual(gitRemote(good("git+https://me:pw@h/a#r", true)), "https://me:pw@h/a")
    assert.strictEqual(checkoutName(good("git://h/a/foo.git#r")), "foo")
    assert.strictEqual(checkoutName(good("git://h/a/foo/.git#r")), "foo")
    assert.strictEqual(checkoutName(good("git://h/a/foo#r")), "foo")
    assert.strictEqual(localRevision(good("git://h/a#origin/main")), "main")
    assert.strictEqual(sourceByHash(good("git+https://me@h/a?m#main"), "4b5"), "git+https://h/a?m#4b5")
  })
})

describe("a text that holds URLs", () => {
  it("is shown without their passwords, each of them, and otherwise as it is", () => {
    for (const [text, shown] of [
      ["http://a:b@h/x https://c:d/e@h", "http://a:[hidden]@h/x https://c:d/e@h"],
      ["x=http://a:b@h, http://:b@h", "x=http://a:[hidden]@h, http://:[hidden]@h"],
      ["a:b:c@h:80 x=a:b@h", "a:[hidden]@h:80 x=a:[hidden]@h"],
      ["reg:5000/i:1@sha256:ab i:1@sha512:ab", "reg:5000/i:1@sha256:ab i:1@sha512:ab"],
      ["Koji <a@b> git@h:/p http://h:80/a@b h:/p:no", "Koji <a@b> git@h:/p http://h:80/a@b h:/p:no"]
    ] as const) {
      assert.strictEqual(withoutPasswords(text), shown)
    }
  })
})

describe("allowed_scms", () => {
  const at = (host: string, repository: string) => ({ host, repository })
  const table: ReadonlyArray<
    readonly [entry: string, useCommon: boolean, sourceCommand: ReadonlyArray<string> | null]
  > = [
    ["h:/p", true, ["make", "sources"]],
    ["h:/p:no", false, ["make", "sources"]],
    ["h:/p:OFF", false, ["make", "sources"]],
    ["h:/p::", true, null],
    ["h:/p:no:", false, null],
    ["h:/p:yes:fedpkg,sources", true, ["fedpkg", "sources"]],
    ["h:/p:0:a,b:more:fields", false, ["a", "b"]],
    ["odd h:/p", true, ["make", "sources"]],
    ["*:* !h:/p", true, ["make", "sources"]],
    ["!x:* [gh]:/?", true, ["make", "sources"]]
  ]
  for (const [entry, useCommon, sourceCommand] of table) {
    it(`${entry} allows`, () =>
      assert.deepStrictEqual(told(allowedByConfig(at("h", "/p"), entry)), { useCommon, sourceCommand }))
  }
  for (const entry of ["", "!h:/p *:*", "H:/p", "h:/", "h:p", "odd", "h:8443:/p"]) {
    it(`"${entry}" denies`, () =>
      assert.strictEqual(told(allowedByConfig(at("h", "/p"), entry)), "1005: h:/p is not in the list of allowed SCMs"))
  }

  it("names a host with a port by a glob, and tells of entries that say nothing", () => {
    assert.isObject(told(allowedByConfig(at("host:8443", "/p"), "host?8443:/*")))
    assert.deepStrictEqual(uselessEntries("a:b odd c:d"), ["odd"])
  })
})

describe("the policy build_from_scm", () => {
  const ask = (answer: string | null, access = defaultAccess) =>
    told(allowedByPolicy({ host: "h", repository: "/p" }, answer, access))

  it("allows, and says how", () => {
    assert.deepStrictEqual(ask("allow"), { useCommon: false, sourceCommand: ["make", "sources"] })
    assert.deepStrictEqual(ask("ALLOWED use_common"), { useCommon: true, sourceCommand: ["make", "sources"] })
    assert.deepStrictEqual(ask("yes use_common fedpkg sources"), {
      useCommon: true,
      sourceCommand: ["fedpkg", "sources"]
    })
    assert.deepStrictEqual(ask("true None"), { useCommon: false, sourceCommand: null })
    assert.deepStrictEqual(ask("allow", { useCommon: true, sourceCommand: null }), {
      useCommon: false,
      sourceCommand: null
    })
  })

  it("denies, with its reason", () => {
    assert.strictEqual(ask("deny not from there"), "1005: SCM: h:/p is not allowed, reason: not from there")
    for (const answer of ["deny", "", null])
      assert.strictEqual(ask(answer), "1005: SCM: h:/p is not allowed, reason: None")
  })

  it("is asked about the URL's parts, never about the password", () => {
    const data = scmPolicyData(good("git+https://me:pw@h/p?m#r", true))
    assert.deepInclude(data, {
      scm_user: "me",
      scm_host: "h",
      scm_repository: "/p",
      scm_module: "m",
      scm_revision: "r",
      scm_type: "GIT",
      scm_scheme: "git+https://"
    })
  })
})

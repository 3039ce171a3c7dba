import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { KojiFault } from "../../src/koji/Fault.ts"
import { checkoutName, gitRemote, localRevision, parseScmUrl, splitScmUrl } from "../../src/koji/ScmUrl.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "../koji/python.ts"

const runs = 20_000
// No brackets: which addresses Python takes for one depends on its version; `splitScmUrl` takes plain ones only.
const pieces = [
  "h",
  "h",
  "@",
  ":",
  "/",
  "/",
  "/",
  "..",
  ".",
  "a",
  "a",
  "?",
  "#",
  ";",
  "%2e",
  "%2F",
  "u",
  " ",
  "\n",
  "\t",
  "é",
  "-",
  "\0",
  "::",
  "ext::",
  ".git",
  "\u2100",
  "origin/"
]

const urls = (seed: number) => {
  const draw = numbersFrom(seed)
  const schemes = ["git://", "git+https://", "git+ssh://", "svn+ssh://", "cvs://", "http://", "git+file://"]
  const ends = ["", "#r", "#-r", "/p#r", "/p?m#r", "/p?../m#a..b"]
  return Array.from({ length: runs }, () => {
    const middle = Array.from({ length: draw(12) }, () => pieces[draw(pieces.length)] ?? "").join("")
    return (schemes[draw(schemes.length)] ?? "") + middle + (ends[draw(ends.length)] ?? "")
  })
}

describe("source URLs", () => {
  it(`are split as Python's urlparse and normpath split them, ${runs} of them`, () => {
    const cases = urls(10)
    const judged = judgeAll<Array<string> | null>(
      `
import os, urllib.parse
def judge(url):
  scheme = url.split('://')[0] + '://'
  if scheme in ('http://', 'git+file://') or '://' not in url: return None
  try: parts = urllib.parse.urlparse(url.replace(scheme, 'http://', 1))
  except ValueError: return None
  if len(parts.netloc.split('@')) > 2 or not parts.path or parts.params or not parts.fragment: return None
  path = os.path.normpath(parts.path).rstrip('/')
  if path.startswith('//'): path = '/' + path.strip('/')
  if not path.startswith('/'): return None
  return [parts.netloc.split('@')[-1], path, parts.query.rstrip('/'), parts.fragment]
`,
      cases
    )
    let good = 0
    for (const [at, url] of cases.entries()) {
      const result = splitScmUrl(url, true)
      const ours = Result.isFailure(result)
        ? null
        : [result.success.host, result.success.repository, result.success.module, result.success.revision]
      assert.deepStrictEqual(ours, judged[at] ?? null, JSON.stringify(url))
      if (ours !== null) good += 1
    }
    assert.isAbove(good, runs / 20)
  })

  it("that are taken cannot be options, leave the checkout, or hide what they ask for", () => {
    let taken = 0
    for (const url of urls(11)) {
      const result = parseScmUrl(url, true)
      if (Result.isFailure(result)) {
        assert.instanceOf(result.failure, KojiFault)
        continue
      }
      taken += 1
      const scm = result.success
      for (const argument of [scm.host, scm.user ?? "", scm.module, scm.revision, localRevision(scm), gitRemote(scm)]) {
        assert.notMatch(argument, /^-|[\s\p{Cc}]/u, url)
      }
      assert.notInclude(scm.module.split("/"), "..")
      assert.notInclude(scm.repository.split("/"), "..")
      assert.notMatch(scm.repository, /%2[ef]/i)
      assert.notInclude(["", ".", ".."], checkoutName(scm))
      assert.notInclude(checkoutName(scm), "/")
      assert.notMatch(scm.revision, /:|\.\./)
    }
    assert.isAbove(taken, runs / 100)
  })
})

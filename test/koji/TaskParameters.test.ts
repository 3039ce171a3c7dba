import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bindParameters, knownMethods, parametersOf } from "../../src/koji/TaskParameters.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "./python.ts"

const bound = (method: string, request: Parameters<typeof parametersOf>[1]) =>
  Result.match(parametersOf(method, request), {
    onSuccess: (parameters) => parameters,
    onFailure: ({ code, message }) => ({ code, message })
  })

describe("a task's parameters", () => {
  it("are bound by position, with defaults", () => {
    assert.deepStrictEqual(bound("build", ["a.src.rpm", "f40"]), { src: "a.src.rpm", target: "f40", opts: null })
    assert.deepStrictEqual(bound("tagBuild", [1, 2]), {
      tag_id: 1,
      build_id: 2,
      force: false,
      fromtag: null,
      ignore_success: false
    })
    assert.deepStrictEqual(bound("shutdown", []), {})
    assert.deepStrictEqual(bound("someMethod", [1, "a"]), { args: [1, "a"] })
  })

  it("are bound by keyword, when the last one says so", () => {
    const opts = { src: true }
    assert.deepStrictEqual(
      bound("newRepo", [
        { id: 1, name: "t" },
        { opts, event: 7, __starstar: true }
      ]),
      {
        tag: { id: 1, name: "t" },
        event: 7,
        src: null,
        debuginfo: null,
        separate_src: null,
        opts
      }
    )
    assert.deepStrictEqual(bound("newRepo", ["t", 7, false, true, false]), {
      tag: "t",
      event: 7,
      src: false,
      debuginfo: true,
      separate_src: false,
      opts: null
    })
    assert.deepStrictEqual(bound("build", ["a", "b", { scratch: true, __starstar: false }]), {
      src: "a",
      target: "b",
      opts: { scratch: true, __starstar: false }
    })
    assert.deepStrictEqual(bound("default", [1, { a: 2, __starstar: true }]), { args: [1], opts: { a: 2 } })
  })

  it("are understood in the newer form, a struct of names", () => {
    assert.deepStrictEqual(
      bound("buildArch", [{ __method__: "buildArch", pkg: "p", root: 1, arch: "noarch", keep_srpm: true }]),
      {
        pkg: "p",
        root: 1,
        arch: "noarch",
        keep_srpm: true,
        opts: null
      }
    )
  })

  it("fail with 1019 and Python's words when they do not fit", () => {
    const cases = [
      ["build", ["a"], "build() missing 1 required positional argument: 'target'"],
      ["build", [], "build() missing 2 required positional arguments: 'src' and 'target'"],
      ["createrepo", [], "createrepo() missing 3 required positional arguments: 'repo_id', 'arch', and 'oldrepo'"],
      ["build", [1, 2, 3, 4], "build() takes from 2 to 3 positional arguments but 4 were given"],
      ["shutdown", [1], "shutdown() takes 0 positional arguments but 1 was given"],
      ["build", [1, 2, { x: 1, __starstar: true }], "build() got an unexpected keyword argument 'x'"],
      ["build", [1, 2, { src: 1, __starstar: true }], "build() got multiple values for argument 'src'"]
    ] as const
    for (const [method, request, message] of cases)
      assert.deepStrictEqual(bound(method, request), { code: 1019, message })
    assert.deepStrictEqual(bound("nonsense", []), { code: 1000, message: 'method "nonsense" is not supported' })
  })

  it("fit and misfit exactly where a Python function's do", () => {
    const functions: ReadonlyArray<readonly [method: string, parameters: string]> = [
      ["build", "src, target, opts=None"],
      ["shutdown", ""],
      ["sleep", "n"],
      ["fork", "n=5, m=37"],
      ["waitrepo", "tag, newer_than=None, nvrs=None, min_event=None"],
      ["createrepo", "repo_id, arch, oldrepo"],
      ["someMethod", "*args"],
      ["default", "*args, **opts"]
    ]
    const draw = numbersFrom(6)
    const names = [
      "src",
      "target",
      "opts",
      "n",
      "m",
      "tag",
      "nvrs",
      "arch",
      "oldrepo",
      "repo_id",
      "min_event",
      "newer_than",
      "args"
    ]
    const cases = Array.from({ length: 10_000 }, () => {
      const [method = "", parameters = ""] = functions[draw(functions.length)] ?? []
      const positional = Array.from({ length: draw(5) }, (_, at) => at)
      const keywords = Object.fromEntries(
        Array.from({ length: draw(4) }, () => [names[draw(names.length)] ?? "", "given"])
      )
      return { method, parameters, positional, keywords }
    })
    const judged = judgeAll<unknown>(
      `
functions = {}
def judge(case):
  method = case['method']
  if method not in functions:
    scope = {}
    exec('def %s(%s): return dict(locals())' % (method, case['parameters']), scope)
    functions[method] = scope[method]
  try:
    return functions[method](*case['positional'], **case['keywords'])
  except TypeError as e:
    return str(e)
`,
      cases
    )
    for (const [at, { method, positional, keywords }] of cases.entries()) {
      const ours = Result.match(bindParameters<number | string>(method, positional, keywords), {
        onSuccess: (parameters): unknown => parameters,
        onFailure: ({ message }) => message
      })
      assert.deepStrictEqual(ours, judged[at], JSON.stringify(cases[at]))
    }
  })

  it("are known for every method of the protocol", () => {
    assert.strictEqual(knownMethods.length, 45)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { bind, signature } from "../../src/hubsim/Signature.ts"

const problem = (python: string, positional: ReadonlyArray<Value>, keywords: Struct = {}) => {
  const bound = bind(signature(python), positional, keywords)
  return Result.isFailure(bound) ? bound.failure.message : bound.success
}

describe("a call bound to a Python signature", () => {
  it("has every argument by name", () => {
    const python = "HostExports.updateHost(task_load, ready, data=None)"
    assert.deepStrictEqual(problem(python, [1, true]), { task_load: 1, ready: true, data: null })
    assert.deepStrictEqual(problem(python, [1], { ready: false, data: {} }), { task_load: 1, ready: false, data: {} })
    assert.deepStrictEqual(problem("f(a, *args, **opts)", [1, 2, 3], { x: 4 }), { a: 1, args: [2, 3], opts: { x: 4 } })
    assert.deepStrictEqual(problem("f(name, default='deny', n=-1, s='')", ["x"]), {
      name: "x",
      default: "deny",
      n: -1,
      s: ""
    })
  })

  it("is refused in Python's words", () => {
    // As Python 3.11 says it.
    const one = "HostExports.openTask(task_id)"
    const some = "get_tag(tagInfo, strict=False, event=None)"
    const two = "pkglist_add(taginfo, pkginfo, owner=None)"
    const three = "f(a, b, c)"
    for (const [python, positional, keywords, text] of [
      [one, [], {}, "HostExports.openTask() missing 1 required positional argument: 'task_id'"],
      [one, [1, 2], {}, "HostExports.openTask() takes 2 positional arguments but 3 were given"],
      ["f()", [1], {}, "f() takes 0 positional arguments but 1 was given"],
      ["C.f()", [1], {}, "C.f() takes 1 positional argument but 2 were given"],
      [some, [1, 2, 3, 4], {}, "get_tag() takes from 1 to 3 positional arguments but 4 were given"],
      [some, [1], { nope: 1 }, "get_tag() got an unexpected keyword argument 'nope'"],
      [some, [1], { tagInfo: 1 }, "get_tag() got multiple values for argument 'tagInfo'"],
      [two, [], {}, "pkglist_add() missing 2 required positional arguments: 'taginfo' and 'pkginfo'"],
      [three, [], {}, "f() missing 3 required positional arguments: 'a', 'b', and 'c'"]
    ] as const) {
      assert.strictEqual(problem(python, positional, keywords), text)
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type ConfigSections, optionsIn, parseConfig } from "../../src/koji/ConfigParser.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "./python.ts"

const values = (sections: ConfigSections) =>
  Object.fromEntries(
    [...sections].map(([name, options]) => [
      name,
      Object.fromEntries([...options].map(([key, { value }]) => [key, value]))
    ])
  )

const read = (text: string) => values(Result.getOrThrow(parseConfig(text, "kojid.conf")))

const refused = (text: string) => {
  const result = parseConfig(text, "kojid.conf")
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure : undefined
}

describe("a configuration file", () => {
  it("has sections, names in any case, and two delimiters", () => {
    assert.deepStrictEqual(read("[kojid]\nServer=a = b\ntopurl : http://x:80/y\n"), {
      kojid: { server: "a = b", topurl: "http://x:80/y" }
    })
  })

  it("has comments on lines of their own and nowhere else, and takes percents as they are", () => {
    assert.deepStrictEqual(read("# c\n; c\n[kojid]\n  # c\na = 1 # no comment\nb = 2 ; nor this\nc = 100%s\n"), {
      kojid: { a: "1 # no comment", b: "2 ; nor this", c: "100%s" }
    })
  })

  it("continues a value on deeper lines, comments left out and empty lines kept", () => {
    assert.deepStrictEqual(read("[kojid]\nscms = a\n  b\n\n  # c\n  d = e\nnext = 1\n\n"), {
      kojid: { scms: "a\nb\n\nd = e", next: "1" }
    })
  })

  it("says where each value stands", () => {
    const sections = Result.getOrThrow(parseConfig("[DEFAULT]\na = 1\n\n[kojid]\nb = 2\n", "kojid.conf"))
    const options = optionsIn(sections, "kojid")
    assert.deepStrictEqual(options?.get("a"), { value: "1", file: "kojid.conf", line: 2 })
    assert.deepStrictEqual(options?.get("b"), { value: "2", file: "kojid.conf", line: 5 })
    assert.isUndefined(optionsIn(sections, "adjutant"))
  })

  it("lets a later file change what an earlier one has said", () => {
    const first = Result.getOrThrow(parseConfig("[kojid]\na = 1\nb = 2\n", "10.conf"))
    const both = Result.getOrThrow(parseConfig("[kojid]\nb = 3\n[adjutant]\nc = 4\n", "20.conf", first))
    assert.deepStrictEqual(values(both), { kojid: { a: "1", b: "3" }, adjutant: { c: "4" } })
    assert.strictEqual(both.get("kojid")?.get("b")?.file, "20.conf")
  })

  it("is refused with file and line for what Python refuses", () => {
    const cases = [
      ["a = 1\n", "no-section", 1],
      ["[kojid]\na = 1\n\nA = 2\n", "duplicate-option", 4],
      ["[kojid]\n[kojid]\n", "duplicate-section", 2],
      ["[kojid]\n\nsomething\na = 1\n", "not-an-option", 3],
      ["[kojid]\n= 1\n", "not-an-option", 2]
    ] as const
    for (const [text, reason, line] of cases) {
      const error = refused(text)
      assert.strictEqual(error?.reason, reason, text)
      assert.strictEqual(error?.line, line, text)
      assert.include(error?.message ?? "", `kojid.conf, line ${line}`)
    }
  })

  it("is refused without showing what may be a password", () => {
    const shown = (text: string) => refused(text)?.message
    const place = "kojid.conf, line"
    assert.strictEqual(
      shown("[kojid]\npassword hunter2\n"),
      `${place} 2: neither an option nor a section: "password …" (is its = missing?)`
    )
    assert.strictEqual(shown("password = hunter2\n"), `${place} 1: no section header before "password …"`)
    assert.strictEqual(shown("password: hunter2\n"), `${place} 1: no section header before "password …"`)
    assert.strictEqual(shown("[kojid]\npassword = a\nhunter2\n"), `${place} 3: neither an option nor a section`)
    assert.strictEqual(shown("[kojid]\n= hunter2\n"), `${place} 2: neither an option nor a section`)
    assert.strictEqual(shown("hunter2\n"), `${place} 1: no section header before it`)
    const twice = "[kojid]\npassword hunter2=\npassword hunter2=\n"
    assert.strictEqual(shown(twice), `${place} 3: option password … comes twice in [kojid]`)
  })

  it("is read as RawConfigParser reads it, 20,000 generated files", () => {
    const draw = numbersFrom(5)
    const pieces = [
      "[kojid]",
      "[DEFAULT]",
      "[adjutant]",
      "[",
      "]",
      "[a]b",
      "a",
      "b",
      "A",
      "İ",
      "=",
      ":",
      " = ",
      "x",
      " ",
      "\t",
      "\u00a0",
      "#",
      ";",
      "%",
      "\n",
      "\n",
      "\n",
      "\n ",
      "\n  ",
      "\r\n",
      "\r",
      "\x1c",
      "\ufeff",
      "\v",
      "\u2028"
    ]
    const cases = Array.from({ length: 20_000 }, () => {
      const body = Array.from({ length: draw(14) }, () => pieces[draw(pieces.length)] ?? "").join("")
      return draw(4) === 0 ? body : `[kojid]\n${body}`
    })
    const judged = judgeAll<{ readonly error?: string; readonly line?: number; readonly values?: unknown }>(
      `
import configparser, io
kinds = {'MissingSectionHeaderError': 'no-section', 'DuplicateSectionError': 'duplicate-section',
         'DuplicateOptionError': 'duplicate-option', 'ParsingError': 'not-an-option'}
def judge(case):
  parser = configparser.RawConfigParser()
  try:
    # As a text file: universal newlines.
    parser.read_file(io.TextIOWrapper(io.BytesIO(case.encode('utf-8')), encoding='utf-8'))
  except configparser.Error as e:
    line = e.errors[0][0] if type(e).__name__ == 'ParsingError' else e.lineno
    return {'error': kinds[type(e).__name__], 'line': line}
  values = {name: dict(parser._sections[name]) for name in parser.sections()}
  if parser.defaults(): values['DEFAULT'] = dict(parser.defaults())
  return {'values': values}
`,
      cases
    )
    let good = 0
    for (const [at, text] of cases.entries()) {
      const result = parseConfig(text, "f")
      const ours = Result.isFailure(result)
        ? { error: result.failure.reason, line: result.failure.line }
        : { values: values(result.success) }
      if ("values" in ours) {
        // Python does not tell an empty DEFAULT from none.
        if (Object.keys(ours.values["DEFAULT"] ?? {}).length === 0) delete ours.values["DEFAULT"]
        if (Object.keys(ours.values).length > 0) good += 1
      }
      assert.deepStrictEqual(ours, judged[at], JSON.stringify(text))
    }
    assert.isAbove(good, 2000)
  })
})

/**
 * The names of XML-RPC's elements, known by where they stand in a text: most of a long document is these, and a piece of
 * the text for each would be as much garbage.
 */
const names: ReadonlyArray<string> = [
  ...["value", "member", "name", "string", "int", "boolean", "nil", "struct", "double", "i8", "array", "data"],
  ...["base64", "i4", "float", "biginteger", "param", "params", "fault", "methodResponse", "methodCall", "methodName"]
]

const byLength: ReadonlyMap<number, ReadonlyArray<string>> = Map.groupBy(names, ({ length }) => length)

/** What stands in the text from `start` to `end`. */
export const nameIn = (text: string, start: number, end: number): string => {
  for (const name of byLength.get(end - start) ?? []) if (text.startsWith(name, start)) return name
  return text.slice(start, end)
}

import { assert, describe, it } from "@effect/vitest"
import { chooseFree, type FreeTasksView, type LoadedHost } from "../../src/core/FreeTasks.ts"
import { numbersFrom } from "./generate.ts"

const host = (id: number, load: number, more: Partial<LoadedHost> = {}): LoadedHost => ({
  ...{ id, load, capacity: 4, arches: "x86_64 i686", channels: [1] },
  ...more
})
const task = (id: number, more = {}) => ({ id, method: "build", arch: "noarch", channel: 1, ...more })
const view: FreeTasksView = {
  hosts: [host(1, 0), host(2, 1), host(3, 2)],
  free: [task(10)],
  hostId: 1,
  handles: (method) => method === "build",
  delaySeconds: 300,
  nowSeconds: 1000,
  firstSeen: new Map()
}
const waited = (hostId: number, seconds: number) =>
  chooseFree({ ...view, hostId, nowSeconds: 1000 + seconds, firstSeen: new Map([[10, 1000]]) }).open

describe("free tasks on a hub that gives none out", () => {
  it("are opened at once by the host with the most room, and later the less room there is", () => {
    assert.deepStrictEqual(waited(1, 0), [10])
    assert.deepStrictEqual([waited(2, 149), waited(2, 150)], [[], [10]])
    assert.deepStrictEqual([waited(3, 299), waited(3, 300)], [[], [10]])
  })

  it("are opened at once by the only host that can", () => {
    assert.deepStrictEqual(chooseFree({ ...view, hosts: [host(3, 3)], hostId: 3 }).open, [10])
  })

  it("are those of our channels, our arches, and our methods", () => {
    const free = [
      ...[task(1, { arch: "i686" }), task(2, { arch: "i386" }), task(3, { channel: 2 }), task(4, { method: "image" })],
      ...[task(5, { channel: null }), task(6, { arch: "x86_64" })]
    ]
    assert.deepStrictEqual(chooseFree({ ...view, free }).open, [1, 6])
  })

  it("are none for a host that the hub does not find ready", () => {
    assert.deepStrictEqual(chooseFree({ ...view, hostId: 7 }).open, [])
  })

  it("are remembered for ten times the delay", () => {
    const firstSeen = new Map([
      [1, 1000 - 3001],
      [2, 1000 - 3000]
    ])
    assert.deepStrictEqual([...chooseFree({ ...view, firstSeen }).firstSeen.keys()], [2, 10])
  })

  it("are opened by every host in the end, and by one with more room never later", () => {
    for (let seed = 0; seed < 2000; seed++) {
      const draw = numbersFrom(seed)
      const hosts = Array.from({ length: 1 + draw(6) }, (_, at) => host(at + 1, draw(50) / 10))
      const delayOf = (hostId: number) => {
        for (let seconds = 0; seconds <= 300; seconds += 10) {
          const now = { hosts, hostId, nowSeconds: 1000 + seconds, firstSeen: new Map([[10, 1000]]) }
          if (chooseFree({ ...view, ...now }).open.length > 0) return seconds
        }
        return assert.fail(`seed ${seed}: host ${hostId} never opens it`)
      }
      const delays = hosts.toSorted((one, other) => one.load - other.load).map(({ id }) => delayOf(id))
      assert.deepStrictEqual(
        delays,
        delays.toSorted((one, other) => one - other)
      )
      assert.strictEqual(delays[0], 0)
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import { engineFault } from "../../src/engine/EngineFault.ts"

const answer = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), { statusCode, json: { message } })
const reason = (cause: unknown) => engineFault("create", "name", cause).reason

/** The texts are those of Docker 20.10 and Podman 4.3. */
describe("what an engine's refusal means", () => {
  it("no answer is unreachable", () => {
    assert.strictEqual(
      reason(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })),
      "unreachable"
    )
    assert.strictEqual(reason(new Error("socket hang up")), "unreachable")
    assert.strictEqual(reason("aborted"), "unreachable")
  })

  it("what is not there is missing", () => {
    assert.strictEqual(reason(answer(404, "No such image: sha256:00")), "missing")
    assert.strictEqual(
      reason(answer(409, "can not get logs from container which is dead or marked for removal")),
      "missing"
    )
  })

  it("what Podman found, and did not find when it came to it, is missing", () => {
    assert.strictEqual(reason(answer(500, "container 70 does not exist in database: no such container")), "missing")
    assert.strictEqual(reason(answer(500, "container has already been removed")), "missing")
  })

  it("what is taken or busy is a conflict, with Docker's status and with Podman's words", () => {
    assert.strictEqual(reason(answer(409, 'Conflict. The container name "/x" is already in use')), "conflict")
    assert.strictEqual(reason(answer(409, "removal of container x is already in progress")), "conflict")
    const podman = 'container create: creating container storage: the container name "x" is already in use by 70'
    assert.strictEqual(reason(answer(500, podman)), "conflict")
    assert.strictEqual(reason(answer(500, "can only kill running containers: container state improper")), "conflict")
    assert.strictEqual(reason(answer(500, "image used by 12: image is in use by a container")), "conflict")
  })

  it("everything else is refused, in the engine's words", () => {
    const error = engineFault("create", "name", answer(400, "invalid mount config"))
    assert.strictEqual(error.reason, "refused")
    assert.strictEqual(error.message, "invalid mount config")
    assert.strictEqual(reason(answer(500, "something broke")), "refused")
  })
})

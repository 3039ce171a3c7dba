import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, rootCertificates } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { reads } from "../../src/buildroot/ContainerSteps.ts"
import type { KojidOptions } from "../../src/config/KojidOptions.ts"
import { authorityMounts } from "../../src/daemon/Authorities.ts"
import type { VolumeMount } from "../../src/engine/ContainerSpec.ts"
import { builderSettings } from "../buildroot/settings.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-authorities-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
const serverca = (path: string | null) => ({ serverca: path }) as KojidOptions

const settings = (stateDirectory: string, installMounts: ReadonlyArray<VolumeMount> = [], relabel = false) =>
  builderSettings(
    { directory: stateDirectory, instance: "", image: "", bootId: "" },
    { stateDirectory, installMounts, relabel }
  )

describe("the authorities that containers trust which fetch packages", () => {
  it.effect("are this machine's and the configured ones, where libraries look for them, and not to be written", () =>
    Effect.gen(function* () {
      const state = yield* directory
      const own = join(state, "own.crt")
      const [certificate = ""] = rootCertificates
      writeFileSync(own, certificate)
      const mounts = yield* authorityMounts(serverca(own), settings(state))
      assert.deepStrictEqual(
        mounts.map(({ target }) => target),
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"]
      )
      for (const { source, readOnly } of mounts) {
        assert.isTrue(readOnly)
        const text = readFileSync(source, "utf8")
        assert.isTrue(text.startsWith("-----BEGIN CERTIFICATE-----"))
        const count = text.match(/BEGIN CERTIFICATE/g)?.length ?? 0
        const system = new Set(getCACertificates("system")).size || getCACertificates("bundled").length
        assert.strictEqual(count, 1 + system)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("are replaced at a start, and containers that run keep those that they have", () =>
    Effect.gen(function* () {
      const state = yield* directory
      const [first] = yield* authorityMounts(serverca(null), settings(state))
      const before = statSync(first?.source ?? "").ino
      const [second] = yield* authorityMounts(serverca(null), settings(state))
      assert.strictEqual(second?.source, first?.source)
      assert.notStrictEqual(statSync(second?.source ?? "").ino, before)
    }).pipe(Effect.scoped)
  )

  it.effect("are not put over what the operator shows there, and can be read where SELinux looks", () =>
    Effect.gen(function* () {
      const state = yield* directory
      const shown = (target: string) => [reads("/etc/pki/site", target, false)]
      for (const target of ["/etc/pki", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs", "/etc"]) {
        assert.deepStrictEqual(yield* authorityMounts(serverca(null), settings(state, shown(target))), [], target)
      }
      const beside = yield* authorityMounts(serverca(null), settings(state, shown("/etc/pkix"), true))
      assert.deepStrictEqual(
        beside.map(({ relabel }) => relabel),
        ["shared", "shared", "shared"]
      )
    }).pipe(Effect.scoped)
  )
})

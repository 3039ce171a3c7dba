import { assert, describe, it } from "@effect/vitest"
import type { EngineInfo } from "../../src/engine/Engine.ts"
import { type EngineFacts, engineFindings } from "../../src/preflight/EngineFindings.ts"
import type { Finding } from "../../src/preflight/Finding.ts"
import { type HubFacts, hubFindings } from "../../src/preflight/HubFindings.ts"
import {
  type DirectoryFacts,
  directoryFinding,
  secretFiles,
  secretFinding,
  selinuxFinding,
  volumeFinding
} from "../../src/preflight/PlaceFindings.ts"
import { mailFinding, topDirectoryFinding, topUrlFinding } from "../../src/preflight/TreeFindings.ts"

/** `problem login`, one a finding; those that are well are left out. */
const amiss = (findings: ReadonlyArray<Finding>) =>
  findings.filter(({ verdict }) => verdict !== "ok").map(({ verdict, subject }) => `${verdict} ${subject}`)

const docker: EngineInfo = {
  kind: "docker",
  version: "20.10.24",
  apiVersion: "1.41",
  dataRoot: "/var/lib/docker",
  architecture: "amd64",
  rootless: false,
  limitsEnforced: true,
  selinux: false,
  liveRestore: true,
  storageDriver: "overlay2"
}
const image = { id: "sha256:1", references: [], architecture: "amd64", sizeBytes: 1, createdAt: 0, labels: {} }

type EngineAnswers = Extract<EngineFacts, { _tag: "Answers" }>

describe("what is found of the engine", () => {
  const facts = (info: Partial<EngineInfo> = {}, tools: Partial<EngineAnswers["tools"]> = {}): EngineAnswers => ({
    _tag: "Answers",
    socketPath: "/run/docker.sock",
    info: { ...docker, ...info },
    tools: { reference: "registry.example.org/tools:1", image, refusal: null, ...tools },
    pullPolicy: "if-not-present"
  })

  it("is nothing to do when all is well", () => {
    const findings = engineFindings(facts())
    assert.deepStrictEqual(amiss(findings), [])
    assert.strictEqual(findings[0]?.found, "docker 20.10.24 on /run/docker.sock")
  })

  it("is a problem when none answers, whatever else there is", () => {
    assert.deepStrictEqual(amiss(engineFindings({ _tag: "Silent", message: "nobody" })), ["problem engine"])
  })

  it("is a warning for what works and costs", () => {
    const poor = { limitsEnforced: false, liveRestore: false, storageDriver: "vfs" }
    assert.deepStrictEqual(amiss(engineFindings(facts(poor))), [
      "warning limits",
      "warning live-restore",
      "warning storage"
    ])
  })

  it("tells an image that will be fetched from one that cannot be", () => {
    assert.deepStrictEqual(amiss(engineFindings(facts({}, { image: null }))), ["warning tools image"])
    const local = { image: null, reference: "localhost/tools:1" }
    assert.deepStrictEqual(amiss(engineFindings(facts({}, local))), ["problem tools image"])
    assert.deepStrictEqual(amiss(engineFindings({ ...facts({}, { image: null }), pullPolicy: "never" })), [
      "problem tools image"
    ])
    assert.deepStrictEqual(amiss(engineFindings(facts({}, { image: null, refusal: "no such image" }))), [
      "problem tools image"
    ])
    const foreign = { image: { ...image, architecture: "arm64" } }
    assert.deepStrictEqual(amiss(engineFindings(facts({}, foreign))), ["problem tools image"])
  })
})

describe("what is found of the hub", () => {
  const host = {
    name: "b1",
    enabled: true,
    arches: "x86_64 i386",
    capacity: 4,
    channels: [{ name: "default", enabled: true }]
  }
  const inside = { _tag: "In", server: "https://hub", version: "1.35.3", aheadSeconds: 0.3, sample: null } as const
  const facts = (more: Partial<typeof host> = {}) => ({
    ...inside,
    user: { name: "b1", isHost: true },
    host: { ...host, ...more }
  })
  const found = (what: HubFacts) => amiss(hubFindings(what, "x86_64"))

  it("is nothing to do when all is well", () => assert.deepStrictEqual(found(facts()), []))

  it("is a problem when there is no way in", () => {
    const server = "https://hub"
    assert.deepStrictEqual(found({ _tag: "NoWay", message: "no way" }), ["problem login"])
    assert.deepStrictEqual(found({ _tag: "Silent", server, message: "nobody", proxy: null }), ["problem hub"])
    assert.deepStrictEqual(found({ _tag: "Refused", server, message: "no", advice: null }), ["problem login"])
  })

  it("is the environment's when that names no proxy that is one", () => {
    const message = "https_proxy in the environment names no proxy that is spoken here"
    const [bad] = hubFindings({ _tag: "BadProxy", message }, "x86_64")
    assert.deepInclude(bad, { verdict: "problem", subject: "hub", found: message })
    assert.match(bad?.advice ?? "", /^mend that variable /)
  })

  it("is the proxy's, as far as one can tell, where there is one on the way", () => {
    const [silent] = hubFindings(
      { _tag: "Silent", server: "https://hub", message: "nobody", proxy: "https_proxy" },
      "x86_64"
    )
    assert.match(silent?.advice ?? "", /^check the proxy in https_proxy of the environment; no_proxy /)
  })

  it("is a warning when another builder is logged in, and nothing when it is ours", () => {
    assert.deepStrictEqual(found({ _tag: "Held", server: "https://hub", byUs: false }), ["warning login"])
    assert.deepStrictEqual(found({ _tag: "Held", server: "https://hub", byUs: true }), [])
  })

  it("is what an administrator has to do about the host's entry", () => {
    assert.deepStrictEqual(found({ ...inside, user: { name: "b1", isHost: true }, host: null }), ["problem host"])
    assert.deepStrictEqual(found(facts({ enabled: false })), ["warning host"])
    assert.deepStrictEqual(found(facts({ capacity: 1 })), ["warning capacity"])
    assert.deepStrictEqual(found(facts({ arches: "x86_64 aarch64" })), ["problem arches"])
    assert.deepStrictEqual(found(facts({ arches: "" })), ["problem arches"])
    assert.deepStrictEqual(found(facts({ channels: [] })), ["problem channels"])
    const channels = ["default", "maven", "image"].map((name) => ({ name, enabled: true }))
    assert.deepStrictEqual(found(facts({ channels })), ["warning channels", "warning channels"])
    assert.deepStrictEqual(found(facts({ channels: [{ name: "default", enabled: false }] })), ["warning channels"])
  })

  it("names the user and the machine in what is to be done", () => {
    const findings = hubFindings({ ...inside, user: { name: "b1", isHost: false }, host: null }, "x86_64")
    assert.include(findings.at(-1)?.advice, "koji add-host --force b1 x86_64")
  })

  it("tells a clock that is off from one that nobody can work with", () => {
    assert.deepStrictEqual(found({ ...facts(), aheadSeconds: -30 }), ["warning clock"])
    assert.deepStrictEqual(found({ ...facts(), aheadSeconds: 301 }), ["problem clock"])
    const [, , clock] = hubFindings({ ...facts(), aheadSeconds: -30 }, "x86_64")
    assert.strictEqual(clock?.found, "the hub's clock is 30 s behind ours")
  })
})

describe("what is found of this machine", () => {
  const state: DirectoryFacts = {
    ...{ option: "state_dir", path: "/var/lib/a", kind: "directory", mode: 0o40700 },
    ...{ isOurs: true, isWritable: true, isPrivate: true }
  }

  it("is nothing to do about directories that are ours, or will be", () => {
    assert.deepStrictEqual(amiss([directoryFinding(state)]), [])
    assert.deepStrictEqual(amiss([directoryFinding({ ...state, kind: "missing" })]), [])
    assert.deepStrictEqual(
      amiss([directoryFinding({ ...state, option: "log_dir", isPrivate: false, mode: 0o755 })]),
      []
    )
  })

  it("is a problem where the daemon would not start", () => {
    const bad: ReadonlyArray<Partial<DirectoryFacts>> = [
      { kind: "missing", isWritable: false },
      { kind: "link" },
      { kind: "other" },
      { isOurs: false },
      { isWritable: false },
      { mode: 0o40750 }
    ]
    for (const facts of bad) {
      assert.deepStrictEqual(amiss([directoryFinding({ ...state, ...facts })]), ["problem state_dir"])
    }
  })

  it("counts room against minspace", () => {
    const verdict = (freeMebibytes: number | null) => volumeFinding({ path: "/", freeMebibytes }, 8192).verdict
    assert.deepStrictEqual(
      [verdict(8191), verdict(8192), verdict(16_384), verdict(null)],
      ["problem", "warning", "ok", "warning"]
    )
  })

  it("is a warning when others can read a secret", () => {
    const secret = { option: "password", path: "/etc/kojid/kojid.conf" }
    assert.strictEqual(secretFinding({ ...secret, mode: 0o100600 }).verdict, "ok")
    assert.strictEqual(secretFinding({ ...secret, mode: 0o100640 }).verdict, "warning")
  })

  it("looks at the files that a secret stands in, and at no others", () => {
    const provenance = new Map([
      ["password", { _tag: "File", file: "/etc/a.conf", line: 3 }],
      ["smtp_pass", { _tag: "Environment", variable: "KOJI_ADJUTANT_SMTP_PASS" }],
      ["server", { _tag: "File", file: "/etc/b.conf", line: 1 }]
    ] as const)
    assert.deepStrictEqual(secretFiles(provenance, { cert: null, keytab: "/etc/k" }), [
      { option: "password", path: "/etc/a.conf" },
      { option: "keytab", path: "/etc/k" }
    ])
  })

  it("is a problem when SELinux would keep builds from what is mounted", () => {
    assert.strictEqual(selinuxFinding(false, null, "off").verdict, "ok")
    assert.strictEqual(selinuxFinding(true, true, "auto").verdict, "ok")
    assert.strictEqual(selinuxFinding(true, true, "off").verdict, "problem")
    assert.strictEqual(selinuxFinding(true, false, "auto").verdict, "warning")
  })
})

describe("what is found of the hub's tree and the mail server", () => {
  const status = (code: number) => ({ _tag: "Status", status: code }) as const
  const silent = { _tag: "Silent", message: "nobody" } as const

  it("is sure of topurl only by a file that must be there", () => {
    assert.strictEqual(topUrlFinding("http://h", "repos/t/1/repo.json", status(200)).verdict, "ok")
    assert.strictEqual(topUrlFinding("http://h", "repos/t/1/repo.json", status(404)).verdict, "problem")
    assert.strictEqual(topUrlFinding("http://h", null, status(404)).verdict, "ok")
    assert.strictEqual(topUrlFinding("http://h", null, status(502)).verdict, "problem")
    assert.strictEqual(topUrlFinding("http://h", null, silent).verdict, "problem")
  })

  it("wants topdir where repositories are made, and nowhere else", () => {
    const path = "/mnt/koji"
    const mounted = { path, holdsRepos: true, holdsSample: true, makesRepos: true }
    assert.strictEqual(topDirectoryFinding(mounted).verdict, "ok")
    assert.strictEqual(topDirectoryFinding({ ...mounted, holdsSample: false }).verdict, "problem")
    const none = { path, holdsRepos: false, holdsSample: null }
    assert.strictEqual(topDirectoryFinding({ ...none, makesRepos: true }).verdict, "problem")
    assert.strictEqual(topDirectoryFinding({ ...none, makesRepos: null }).verdict, "warning")
    assert.strictEqual(topDirectoryFinding({ ...none, makesRepos: false }).verdict, "ok")
  })

  it("never calls mail a problem: builds go on without it", () => {
    assert.strictEqual(mailFinding("example.com", null).verdict, "warning")
    assert.strictEqual(mailFinding("mail.example.org", silent).verdict, "warning")
    assert.strictEqual(mailFinding("mail.example.org", status(0)).verdict, "ok")
  })
})

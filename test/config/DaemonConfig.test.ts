import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schema } from "effect"
import { ConfigError } from "../../src/config/ConfigError.ts"
import { fileBytesMax } from "../../src/config/ConfigFiles.ts"
import { type ConfigInputs, DaemonConfig, defaultConfigFile, idleText, load } from "../../src/config/DaemonConfig.ts"
import { imageFor } from "../../src/config/ImageRules.ts"
import { KojidOptions } from "../../src/config/KojidOptions.ts"
import { describeProvenance } from "../../src/config/OptionSources.ts"

const minimal = "[kojid]\nserver = https://hub.example.org/kojihub\ntopurl = https://files.example.org/kojifiles\n"

/** A directory with files of these names, gone after the test. */
const directory = (files: Readonly<Record<string, string | Uint8Array>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "adjutant-config-"))
      for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )

type Said = Partial<Pick<ConfigInputs, "environment" | "commandLine">>

const loaded = Effect.fnUntraced(function* (text: string | Uint8Array, said: Said = {}) {
  const path = yield* directory({ "kojid.conf": text })
  return yield* load({ file: join(path, "kojid.conf"), environment: {}, commandLine: {}, ...said })
})

/** The messages of the error, the directory's own name left out. */
const problems = Effect.fnUntraced(function* (text: string | Uint8Array, said: Said = {}) {
  const error = yield* Effect.flip(loaded(text, said))
  assert.instanceOf(error, ConfigError)
  return error.problems.map(
    ({ place, message }) => `${place?.replace(/^.*kojid\.conf/, "kojid.conf") ?? "-"}: ${message}`
  )
})

describe("the configuration", () => {
  it.effect("has kojid's defaults, but for what is logged", () =>
    Effect.gen(function* () {
      const { kojid, adjutant, topUrls, provenance, warnings } = yield* loaded(minimal)
      assert.deepInclude(kojid, {
        sleeptime: 15,
        maxjobs: 10,
        minspace: 8192,
        max_retries: 120,
        retry_interval: 60,
        offline_retry: true,
        offline_retry_interval: 120,
        timeout: 43_200,
        topdir: "/mnt/koji",
        workdir: "/var/tmp/koji",
        user: null,
        password: null,
        rpmbuild_timeout: 86_400,
        failed_buildroot_lifetime: 14_400,
        mockhost: "koji-linux-gnu",
        packager: "Koji",
        build_arch_can_fail: false,
        mock_bootstrap_image: false,
        allowed_scms: "",
        allowed_scms_use_config: true,
        allowed_scms_use_policy: false,
        createrepo_update: true,
        distrepo_skip_stat: false,
        log_level: "INFO",
        chroot_tmpdir: "/chroot_tmpdir",
        keytab: "/etc/kojid/kojid.keytab",
        xz_options: "-z6T0",
        yum_proxy: null
      })
      assert.deepStrictEqual(kojid.literal_task_arches, [])
      assert.strictEqual(kojid.maven_repo_ignore.length, 7)
      assert.deepInclude(adjutant, {
        engine: "auto",
        state_dir: "/var/lib/koji-adjutant",
        log_dir: "/var/log/koji-adjutant",
        install_network: "host",
        pull_policy: "if-not-present",
        selinux: "auto",
        log_format: "auto",
        allow_any_scm: false
      })
      assert.deepStrictEqual(topUrls, ["https://files.example.org/kojifiles"])
      assert.deepStrictEqual(provenance.get("sleeptime"), { _tag: "Default" })
      assert.deepStrictEqual(warnings, [])
    })
  )

  it.effect("takes the command line over the environment over the file over the default", () =>
    Effect.gen(function* () {
      const text = `${minimal}maxjobs = 1\nminspace = 2\nsleeptime = 3\n[adjutant]\nengine = docker\n`
      const { kojid, adjutant, provenance } = yield* loaded(text, {
        environment: {
          KOJI_ADJUTANT_MINSPACE: "20",
          KOJI_ADJUTANT_SLEEPTIME: "30",
          KOJI_ADJUTANT_ENGINE: "podman",
          HOME: "/",
          KOJI_ADJUTANT_CONFIG: "x"
        },
        commandLine: { sleeptime: "300", minspace: undefined, plugin: "a b" }
      })
      assert.deepStrictEqual([kojid.maxjobs, kojid.minspace, kojid.sleeptime], [1, 20, 300])
      assert.strictEqual(adjutant.engine, "podman")
      assert.deepStrictEqual(kojid.plugin, ["a", "b"])
      const place = (name: string) => describeProvenance(provenance.get(name) ?? { _tag: "Default" })
      assert.match(place("maxjobs") ?? "", /kojid\.conf, line 4$/)
      assert.strictEqual(place("minspace"), "KOJI_ADJUTANT_MINSPACE")
      assert.strictEqual(place("sleeptime"), "--sleeptime")
      assert.isNull(place("workdir"))
    })
  )

  it.effect("says what is missing", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loaded("[kojid]\n"))
      assert.strictEqual(error.message, "the server option is required\nthe topurl option is required")
      assert.strictEqual(error.exitCode, 2)
    })
  )

  it.effect.skipIf(existsSync(defaultConfigFile))("may do without a file, if the rest is said elsewhere", () =>
    Effect.gen(function* () {
      const nowhere = { file: defaultConfigFile, environment: {} }
      const { kojid } = yield* load({ ...nowhere, commandLine: { server: "https://h/kojihub", topurl: "https://f" } })
      assert.strictEqual(kojid.server, "https://h/kojihub")
      const error = yield* Effect.flip(load({ ...nowhere, commandLine: { server: "https://h/kojihub" } }))
      const absent = "/etc/kojid/kojid.conf: there is no such file, nor directory"
      assert.strictEqual(error.message, `${absent}\nthe topurl option is required`)
      assert.strictEqual(error.exitCode, 2)
    })
  )

  it.effect("is not looked for elsewhere when somebody says where it is, and it is not there", () =>
    Effect.gen(function* () {
      const path = yield* directory({ "kojid.conf": minimal })
      for (const file of [join(path, "kojid.cnf"), join(path, "kojid.conf/kojid.conf")]) {
        const commandLine = { server: "https://h/kojihub", topurl: "https://f" }
        const error = yield* Effect.flip(load({ file, environment: {}, commandLine }))
        assert.strictEqual(error.message, `${file}: there is no such file, nor directory`)
        assert.strictEqual(error.exitCode, 1)
      }
    })
  )

  it.live("may come through a pipe, as a shell's `<(…)` has it", () =>
    Effect.gen(function* () {
      const path = yield* directory({ "written.conf": minimal })
      const file = join(path, "pipe")
      execFileSync("mkfifo", [file])
      const writer = spawn("sh", ["-c", `exec cat written.conf >pipe`], { cwd: path, stdio: "ignore" })
      const { kojid } = yield* load({ file, environment: {}, commandLine: {} }).pipe(
        Effect.ensuring(Effect.sync(() => writer.kill()))
      )
      assert.strictEqual(kojid.server, "https://hub.example.org/kojihub")
    })
  )

  it.effect("is read of a directory's *.conf files in order of their names", () =>
    Effect.gen(function* () {
      const path = yield* directory({
        "10-hub.conf": `${minimal}maxjobs = 1\nminspace = 1\n`,
        "20-site.conf": "[kojid]\nmaxjobs = 2\n[adjutant]\nengine = podman\n",
        "30-off.conf.bak": "[kojid]\nmaxjobs = 3\n",
        "5-late.conf": "[kojid]\nminspace = 5\n"
      })
      mkdirSync(join(path, "40.conf"))
      symlinkSync(join(path, "20-site.conf"), join(path, "90-link.conf"))
      const { kojid, adjutant, provenance } = yield* load({ file: path, environment: {}, commandLine: {} })
      assert.deepStrictEqual([kojid.maxjobs, kojid.minspace, adjutant.engine], [2, 5, "podman"])
      assert.match(describeProvenance(provenance.get("maxjobs") ?? { _tag: "Default" }) ?? "", /90-link\.conf, line 2$/)
    })
  )

  it.effect("lets DEFAULT stand in both sections, each taking what it knows", () =>
    Effect.gen(function* () {
      const { kojid, adjutant } = yield* loaded(`[DEFAULT]\nmaxjobs = 3\nengine = docker\n${minimal}[adjutant]\n`)
      assert.strictEqual(kojid.maxjobs, 3)
      assert.strictEqual(adjutant.engine, "docker")
    })
  )

  it.effect("takes plugins for plugin, the last of the two counting, and several topurls", () =>
    Effect.gen(function* () {
      const { kojid, topUrls } = yield* loaded(
        "[kojid]\nserver = h\ntopurl = https://a\n  https://b\nplugin = x\nplugins = y z\n"
      )
      assert.deepStrictEqual(kojid.plugin, ["y", "z"])
      assert.deepStrictEqual(topUrls, ["https://a", "https://b"])
    })
  )

  it.effect("keeps secrets to itself", () =>
    Effect.gen(function* () {
      const config = yield* loaded(`${minimal}user = me\npassword = hunter2\nsmtp_pass = hunter3\n`)
      assert.strictEqual(config.kojid.password === null ? "" : Redacted.value(config.kojid.password), "hunter2")
      assert.notInclude(JSON.stringify(config.kojid), "hunter")
      assert.notInclude(String(config.kojid.password), "hunter")
      assert.isTrue(Exit.isFailure(Effect.runSyncExit(Schema.encodeEffect(KojidOptions)(config.kojid))))
    })
  )

  it.effect("takes numbers and booleans as Python does", () =>
    Effect.gen(function* () {
      const { kojid } = yield* loaded(`${minimal}maxjobs = +1_0\nuse_createrepo_c = OFF\nlog_timestamps = True\n`)
      assert.deepStrictEqual([kojid.maxjobs, kojid.use_createrepo_c, kojid.log_timestamps], [10, false, true])
    })
  )

  it.effect("says everything that is wrong, where, and what was meant", () =>
    Effect.gen(function* () {
      const text = `${minimal}maxjob = 1\nsleeptime = 0x10\nminspace =\noffline_retry = maybe\nkeepalive = yes\nengine = docker
log_level = debug
[adjutent]
engine = docker
[adjutant]
engine = dokcer
cpus = lots
tools_images = f40=x
mounts = /etc/pki:../pki
labels = io.koji.adjutant.task_id=1
`
      const said = { environment: { KOJI_ADJUTANT_MAXJOBZ: "1" }, commandLine: { nonsense: "1" } }
      assert.deepStrictEqual(
        (yield* problems(text, said)).toSorted(),
        [
          "kojid.conf, line 4: unknown config option: maxjob (did you mean maxjobs?)",
          "kojid.conf, line 8: unknown config option: keepalive",
          "kojid.conf, line 9: unknown config option: engine (it belongs into [adjutant])",
          "kojid.conf, above line 12: invalid section found in config file: adjutent (did you mean adjutant?)",
          "KOJI_ADJUTANT_MAXJOBZ: unknown variable (did you mean KOJI_ADJUTANT_MAXJOBS?)",
          "--nonsense: unknown option",
          'kojid.conf, line 7: value for offline_retry option must be yes or no (or true, on, 1, false, off, 0), not "maybe"',
          'kojid.conf, line 5: value for sleeptime option must be a whole number from 1 to 86400, not "0x10"',
          'kojid.conf, line 6: value for minspace option must be a whole number from 0 to 1073741824, not ""',
          'kojid.conf, line 10: value for log_level option must be one of CRITICAL, ERROR, WARNING, INFO, DEBUG, not "debug"',
          'kojid.conf, line 14: value for engine option must be one of auto, docker, podman, not "dokcer"',
          'kojid.conf, line 15: value for cpus option must be a number from 0 to 4096, not "lots"',
          'kojid.conf, line 16: value for tools_images option must be rules like f40*/x86_64=image, not "f40=x"',
          'kojid.conf, line 17: value for mounts option must be paths like /host/path:/path/inside, not "/etc/pki:../pki"',
          'kojid.conf, line 18: value for labels option must be labels like name=value, not "io.koji.adjutant.task_id=1"'
        ].toSorted()
      )
    })
  )

  it.effect("shows nothing in its errors and warnings that may be a password", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(`${minimal}maxjobs = 4\n  password = hunter2\n`), [
        'kojid.conf, line 4: value for maxjobs option must be a whole number from 0 to 1000, not "4" with the indented lines below it'
      ])
      // The password of a line without `=` ends with one.
      assert.deepStrictEqual(yield* problems(`${minimal}password aHVudGVyMg==\n`), [
        "kojid.conf, line 4: unknown config option: password … (no name has a blank: is its = missing?)"
      ])
      assert.deepStrictEqual(yield* problems(`${minimal}[adjutant]\nmounts = http://me:hunter2@h/\n`), [
        'kojid.conf, line 5: value for mounts option must be paths like /host/path:/path/inside, not "http://me:[hidden]@h/"'
      ])
      const { warnings } = yield* loaded(`${minimal}allowed_scms = h:/p\n  password = hunter2\n`)
      assert.include(warnings.join("\n"), "allowed_scms: password has no colon")
      assert.notInclude(warnings.join("\n"), "hunter2")
    })
  )

  it.effect("is refused for files that are no configuration", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(`${minimal}MAXJOBS = 1\nmaxjobs = 1\n`), [
        "kojid.conf, line 5: option maxjobs comes twice in [kojid]"
      ])
      for (const [bytes, line] of [
        [[0x5b, 0xff, 0x5d], 1],
        [[0x23, 0xc3, 0xa9, 0x0a, 0x23, 0x0a, 0x23, 0xc3, 0x0a, 0x23], 3],
        [[0x0a, 0x23, 0xe9], 2]
      ] as const) {
        const message = "there are bytes that are not UTF-8: save the file in that encoding"
        assert.deepStrictEqual(yield* problems(new Uint8Array(bytes)), [`kojid.conf, line ${line}: ${message}`])
      }
      assert.deepStrictEqual(yield* problems("#".repeat(fileBytesMax + 1)), [
        `kojid.conf: is larger than ${fileBytesMax} bytes`
      ])
    })
  )

  it.effect("refuses to let anybody build anything from anywhere by oversight", () =>
    Effect.gen(function* () {
      const open = `${minimal}allowed_scms_use_config = no\n`
      assert.match((yield* problems(open))[0] ?? "", /anything could be built from anywhere/)
      const { kojid } = yield* loaded(`${open}[adjutant]\nallow_any_scm = yes\n`)
      assert.isFalse(kojid.allowed_scms_use_config)
    })
  )

  it.effect("warns of what is doubtful", () =>
    Effect.gen(function* () {
      const { warnings } = yield* loaded(`${minimal}allowed_scms = h:/p odd\nno_ssl_verify = yes\n`)
      assert.deepStrictEqual(warnings, [
        "allowed_scms: odd has no colon and means nothing",
        "no_ssl_verify: the hub's certificate is not verified"
      ])
    })
  )

  it.effect("tells what is set and does nothing here, in one line", () =>
    Effect.gen(function* () {
      const { idle } = yield* loaded(
        `${minimal}maxjobs = 3\nmockuser = kojibuilder\nplugins = runroot\nrlimit_nofile = 1024 2048\nRLIMIT_CORE = many\n`,
        { environment: { KOJI_ADJUTANT_USE_FAST_UPLOAD: "no" }, commandLine: { workdir: "/tmp", topdir: "/mnt" } }
      )
      const names = ["workdir", "use_fast_upload", "plugin", "mockuser", "RLIMIT_NOFILE", "RLIMIT_CORE"]
      assert.deepStrictEqual(idle, names)
      assert.deepStrictEqual(idleText(idle), [`set, and without effect here: ${names.join(", ")}`])
      assert.deepStrictEqual((yield* loaded(minimal)).idle, [])
      assert.deepStrictEqual(idleText([]), [])
    })
  )

  it.effect("is a service", () =>
    Effect.gen(function* () {
      const file = yield* directory({})
      const inputs = { file, environment: {}, commandLine: { server: "s", topurl: "t" } }
      const server = yield* DaemonConfig.pipe(
        Effect.map(({ kojid }) => kojid.server),
        Effect.provide(DaemonConfig.layer(inputs))
      )
      assert.strictEqual(server, "s")
    })
  )
})

describe("image rules", () => {
  it.effect("choose by tag and arch, the first match winning", () =>
    Effect.gen(function* () {
      const { adjutant } = yield* loaded(
        `${minimal}[adjutant]\ntools_images = f4?-*/x86_64=reg:5000/t:40@sha256:ab\n  */aarch64=b a/b/*=c\n`
      )
      const choose = (tag: string, arch: string) => imageFor(adjutant.tools_images, tag, arch)
      assert.strictEqual(choose("f40-build", "x86_64"), "reg:5000/t:40@sha256:ab")
      assert.strictEqual(choose("f40-build", "aarch64"), "b")
      assert.strictEqual(choose("a/b", "s390x"), "c")
      assert.isUndefined(choose("el9", "x86_64"))
    })
  )
})

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type MockConfigChoices, renderMockConfig } from "../../src/koji/MockConfig.ts"
import type { PythonValue } from "../../src/koji/PythonRepr.ts"
import { readTagExtras } from "../../src/koji/TagExtras.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "./python.ts"

const extrasOf = (extra: { readonly [key: string]: PythonValue }) => Result.getOrThrow(readTagExtras(extra))

const choices: MockConfigChoices = {
  buildrootId: 77,
  name: "f40-build-77-6178041",
  repoId: 6178041,
  tag: "f40-build",
  repoArch: "x86_64",
  targetArch: "x86_64",
  installGroup: "build",
  setupDns: false,
  internalDevSetup: null,
  bindMounts: null,
  maven: null,
  hostsFile: null,
  extras: extrasOf({ "rpm.macro.dist": ".fc40", "rpm.env.CC": "gcc", "mock.package_manager": "dnf5" }),
  site: {
    mockDirectory: "/var/lib/mock",
    topUrls: ["https://kojipkgs.example.org"],
    topDirectory: "/mnt/koji",
    packager: "Koji",
    vendor: "Koji",
    distribution: "Koji",
    mockHost: "koji-linux-gnu",
    yumProxy: null,
    rpmbuildTimeoutSeconds: 86_400,
    mockBootstrapImage: false
  }
}

interface Executed {
  readonly [key: string]: unknown
  readonly plugin_conf: Readonly<Record<string, unknown>>
  readonly macros: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
}

/** What mock has in its hands after it has run the files. */
const execute = (texts: ReadonlyArray<string>) =>
  judgeAll<Executed>(
    `
def judge(case):
  config_opts = {'plugin_conf': {'bind_mount_opts': {'dirs': []}}, 'macros': {}, 'environment': {}, 'files': {}}
  exec(case, {'config_opts': config_opts})
  return config_opts
`,
    texts
  )

describe("mock_config.log", () => {
  it("is the golden file", () => {
    assert.strictEqual(
      renderMockConfig(choices),
      readFileSync(join(import.meta.dirname, "../fixtures/mock_config.log"), "utf8")
    )
  })

  it("means to Python what was meant", () => {
    const [config] = execute([
      renderMockConfig({
        ...choices,
        setupDns: true,
        hostsFile: "127.0.0.1 localhost\n",
        bindMounts: [["/etc/creds", "/credentials"]],
        maven: { options: ["-Xmx1g", "-Da=b"], environment: { MAVEN_X: "y" } },
        site: {
          ...choices.site,
          yumProxy: "http://proxy:3128",
          mockBootstrapImage: true,
          topUrls: ["http://a", "http://b"]
        },
        extras: extrasOf({
          "mock.forcearch": 1,
          "mock.bootstrap_image": "fedora:40",
          "mock.use_bootstrap": 0,
          "mock.module_setup_commands": [["enable", "a:1,b:2"]],
          "mock.releasever": 40,
          "mock.yum.best": 1,
          "mock.yum.module_hotfixes": 1,
          "mock.plugin_conf.sign_enable": true,
          "mock.plugin_conf.sign_opts.cmd": "/usr/bin/sign",
          "mock.plugin_conf.sign_opts.opts": "%(rpms)s",
          "rpm.macro.with_x": true,
          "rpm.macro._topdir": "/elsewhere",
          "rpm.macro.packager": "Me",
          "rpm.env.N": 1
        })
      })
    ])
    assert.deepStrictEqual(config, {
      basedir: "/var/lib/mock",
      bootstrap_image: "fedora:40",
      chroot_setup_cmd: "install @build",
      chroothome: "/builddir",
      dnf_warning: false,
      forcearch: "x86_64",
      internal_dev_setup: false,
      module_setup_commands: [["enable", "a:1,b:2"]],
      releasever: 40,
      root: "f40-build-77-6178041",
      rpmbuild_networking: true,
      rpmbuild_timeout: 86_400,
      target_arch: "x86_64",
      use_bootstrap: false,
      use_bootstrap_image: true,
      use_host_resolv: true,
      "yum.conf":
        "[main]\nproxy=http://proxy:3128\ncachedir=/var/cache/yum\ndebuglevel=1\nlogfile=/var/log/yum.log\nreposdir=/dev/null\n" +
        "retries=20\nobsoletes=1\ngpgcheck=0\nassumeyes=1\nkeepcache=1\ninstall_weak_deps=0\nstrict=1\n\n# repos\n\n[build]\nname=build\n" +
        "baseurl=http://a/repos/f40-build/6178041/x86_64\n        http://b/repos/f40-build/6178041/x86_64\nmodule_hotfixes=1\nbest=1\n",
      plugin_conf: {
        bind_mount_opts: { dirs: [["/etc/creds", "/credentials"]] },
        ccache_enable: false,
        root_cache_enable: false,
        sign_enable: true,
        sign_opts: { cmd: "/usr/bin/sign", opts: "%(rpms)s" },
        yum_cache_enable: false
      },
      macros: {
        "%_host": "x86_64-koji-linux-gnu",
        "%_host_cpu": "x86_64",
        "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "%_topdir": "/builddir/build",
        "%distribution": "Koji",
        "%packager": "Me",
        "%vendor": "Koji",
        "%with_x": "True"
      },
      environment: { N: "1" },
      files: {
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/mavenrc": 'export MAVEN_OPTS="-Xmx1g -Da=b"\nexport MAVEN_X="y"\n'
      }
    })
  })

  it("leaves out what the operator does not allow, and says what the handler says", () => {
    const [config] = execute([
      renderMockConfig({
        ...choices,
        internalDevSetup: true,
        bindMounts: [["/dev", "/dev"]],
        hostsFile: "unused",
        site: { ...choices.site, topUrls: [] },
        extras: extrasOf({ "mock.bootstrap_image": "fedora:40" })
      })
    ])
    assert.isFalse(config?.["use_bootstrap_image"])
    assert.isUndefined(config?.["bootstrap_image"])
    assert.isTrue(config?.["internal_dev_setup"])
    assert.deepStrictEqual(config?.files, {})
    assert.include(String(config?.["yum.conf"]), "baseurl=file:///mnt/koji/repos/f40-build/6178041/x86_64\n")
  })

  it("runs nothing that a tag's editor has written, 500 hostile tags", () => {
    const draw = numbersFrom(9)
    const pieces = [
      "'",
      '"',
      "\\",
      "\n",
      "\r",
      "\0",
      "']",
      "\\'",
      "#",
      "{}",
      "%s",
      "\u2028",
      "\ud800",
      "é",
      "exit()",
      "a",
      "]=1\n"
    ]
    const noise = () => Array.from({ length: draw(8) }, () => pieces[draw(pieces.length)] ?? "").join("")
    const tags = Array.from({ length: 500 }, () => ({
      macro: `m${noise()}`,
      value: noise(),
      variable: `v${noise().replaceAll(/[=\0]/g, "")}`,
      setting: noise().replaceAll("\0", ""),
      name: noise(),
      releasever: [noise(), { [noise()]: noise() }]
    }))
    const configs = execute(
      tags.map((tag) =>
        renderMockConfig({
          ...choices,
          tag: tag.name,
          extras: extrasOf({
            [`rpm.macro.${tag.macro}`]: tag.value,
            [`rpm.env.${tag.variable}`]: tag.setting,
            "mock.releasever": tag.releasever
          })
        })
      )
    )
    for (const [at, tag] of tags.entries()) {
      const config = configs[at]
      assert.strictEqual(config?.macros[`%${tag.macro}`], tag.value)
      assert.deepStrictEqual(config?.environment, { [tag.variable]: tag.setting })
      assert.deepStrictEqual(config?.["releasever"], tag.releasever)
      assert.strictEqual(Object.keys(config?.macros ?? {}).length, 8)
    }
  })
})

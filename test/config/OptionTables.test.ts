import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { adjutantTable, kojidTable } from "../../src/config/DaemonConfig.ts"
import { nearest } from "../../src/config/Nearest.ts"

describe("the tables of options", () => {
  const all = [...kojidTable.options, ...adjutantTable.options]

  it("have no option in common, so that a variable means one thing", () => {
    assert.strictEqual(new Set(all.map(([name]) => name)).size, all.length)
  })

  it("have every option of kojid (daemon.md 7.2)", () => {
    const expected =
      "server topurl topdir workdir user password cert serverca no_ssl_verify krb_principal host_principal_format keytab ccache " +
      "sleeptime maxjobs minspace max_retries retry_interval offline_retry offline_retry_interval timeout use_fast_upload " +
      "task_avail_delay literal_task_arches build_arch_can_fail plugin pluginpath admin_emails log_level log_timestamps mockdir " +
      "mockuser mockhost mock_bootstrap_image chroot_tmpdir packager vendor distribution yum_proxy rpmbuild_timeout " +
      "failed_buildroot_lifetime buildroot_basic_cleanup_delay buildroot_final_cleanup_delay allowed_scms allowed_scms_use_config " +
      "allowed_scms_use_policy allow_password_in_scm_url scm_credentials_dir support_rpm_source_layout use_createrepo_c " +
      "createrepo_skip_stat createrepo_update distrepo_skip_stat copy_old_repodata maven_repo_ignore oz_install_timeout xz_options " +
      "smtphost smtp_user smtp_pass from_addr allow_noverifyssl pkgurl"
    assert.deepStrictEqual([...kojidTable.options.keys()].toSorted(), expected.split(" ").toSorted())
  })

  it("explain each option in one line, and have its flag if kojid has one", () => {
    for (const [name, { meaning }] of all) assert.match(meaning, /^[^\n]{10,}$/, name)
    assert.deepStrictEqual(all.flatMap(([, { flag }]) => flag ?? []).toSorted(), [
      "admin-emails",
      "chroot-tmpdir",
      "maxjobs",
      "minspace",
      "mockdir",
      "mockuser",
      "password",
      "pkgurl",
      "plugin",
      "pluginpath",
      "server",
      "sleeptime",
      "topdir",
      "topurl",
      "user",
      "workdir"
    ])
  })
})

describe("an option of kojid's", () => {
  it("has somebody who reads it, or is said to be idle", () => {
    const source = join(import.meta.dirname, "../../src")
    const texts = readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith("KojidOptions.ts"))
      .map((name) => readFileSync(join(source, name), "utf8"))
      .join("\n")
    const isRead = (name: string) => new RegExp(`\\bkojid\\.${name}\\b|[{,] *${name}\\b`).test(texts)
    for (const [name, { idle = false }] of kojidTable.options) {
      // What is doubtful in it is told, and no task asks it.
      if (name === "allowed_scms") continue
      assert.strictEqual(isRead(name), !idle, name)
    }
  })
})

describe("what somebody meant", () => {
  it("is the nearest name, if one is near", () => {
    const names = ["server", "topurl", "topdir"]
    assert.strictEqual(nearest("sever", names), "server")
    assert.strictEqual(nearest("topdri", names), "topdir")
    assert.isUndefined(nearest("x", names))
    assert.isUndefined(nearest("entirely", names))
  })
})

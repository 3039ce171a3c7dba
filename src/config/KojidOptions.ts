/**
 * The section `[kojid]`: every option that kojid has, under its own name, so that a host's `kojid.conf` can stay as it
 * is (daemon.md 7.2). What kojid would refuse is refused here too; what containers have made pointless, and what belongs to
 * tasks that do not run here, is idle: accepted, and told of.
 */
import { Schema } from "effect"
import { boolean, choice, integer, optionalText, requiredText, secret, text, words } from "./Option.ts"

/** A year: nothing that is waited for takes longer. */
export const secondsMax = 31_536_000
const seconds = { min: 0, max: secondsMax }
/** More tasks than any host can watch over at once. */
export const jobsMax = 1000
/** A petabyte, in MiB. */
const megabytesMax = 1_073_741_824
const retriesMax = 1_000_000

const noMeaning = "Accepted, without effect here"

export const KojidOptions = Schema.Struct({
  server: requiredText({ meaning: "URL of the hub's XML-RPC interface", flag: "server" }),
  topurl: requiredText({
    meaning: "Base URLs of the hub's file tree, apart by blanks",
    quirk: "all of them go into buildroots, only the first is used otherwise",
    flag: "topurl"
  }),
  topdir: text({
    default: "/mnt/koji",
    meaning: "The hub's file tree mounted here; createrepo tasks need it",
    flag: "topdir"
  }),
  workdir: text({
    idle: true,
    default: "/var/tmp/koji",
    meaning: "Directory of tasks' temporary files",
    flag: "workdir"
  }),

  user: optionalText({ meaning: "User of a login by password, for development only", flag: "user" }),
  password: secret({ meaning: "Its password", flag: "password" }),
  cert: optionalText({
    meaning: "PEM file with the client's certificate and key; login by certificate if the file exists",
    quirk: "/etc/kojid/client.crt if that exists"
  }),
  serverca: optionalText({
    meaning: "PEM file with the authorities to trust instead of the system's",
    quirk: "/etc/kojid/serverca.crt if that exists"
  }),
  no_ssl_verify: boolean({
    default: "no",
    meaning: "Do not verify the hub's certificate",
    quirk: "only without serverca"
  }),
  krb_principal: optionalText({ meaning: "Kerberos principal of this host" }),
  host_principal_format: text({
    default: "compile/%s@EXAMPLE.COM",
    meaning: "How the principal is made of the host's full name, when krb_principal is not set"
  }),
  keytab: text({ default: "/etc/kojid/kojid.keytab", meaning: "Kerberos keytab" }),
  ccache: text({
    default: "/var/tmp/kojid.ccache",
    meaning: "Kerberos credentials cache",
    quirk: "deleted at start if empty"
  }),

  sleeptime: integer({
    default: "15",
    min: 1,
    max: 86_400,
    meaning: "Seconds between two looks for tasks",
    flag: "sleeptime"
  }),
  maxjobs: integer({
    default: "10",
    min: 0,
    max: jobsMax,
    meaning: "Tasks at the same time, waiting ones included",
    flag: "maxjobs"
  }),
  minspace: integer({
    default: "8192",
    min: 0,
    max: megabytesMax,
    meaning: "MiB that must be free where buildroots are kept",
    flag: "minspace"
  }),
  max_retries: integer({ default: "120", min: 0, max: retriesMax, meaning: "Times a call to the hub is tried again" }),
  retry_interval: integer({ default: "60", ...seconds, meaning: "Seconds between two tries" }),
  offline_retry: boolean({ default: "yes", meaning: "Whether to try again while the hub says it is offline" }),
  offline_retry_interval: integer({ default: "120", ...seconds, meaning: "Seconds between two tries while it is" }),
  timeout: integer({
    default: "43200",
    min: 1,
    max: secondsMax,
    meaning: "Seconds until a call to the hub is given up"
  }),
  use_fast_upload: boolean({ idle: true, default: "yes", meaning: "Upload raw bytes", quirk: "always done here" }),
  task_avail_delay: integer({
    default: "300",
    ...seconds,
    meaning: "Seconds until a builder with the least room opens a free task itself",
    quirk: "for hubs before 1.34, which give none out"
  }),

  literal_task_arches: words({ default: "", meaning: "Globs of arches that subtasks keep as they are written" }),
  build_arch_can_fail: boolean({ default: "no", meaning: "Whether the other arches build on when one has failed" }),
  plugin: words({
    idle: true,
    default: "",
    meaning: noMeaning,
    quirk: "plugins is the same option; the last one wins",
    flag: "plugin"
  }),
  pluginpath: text({ idle: true, default: "/usr/lib/koji-builder-plugins", meaning: noMeaning, flag: "pluginpath" }),
  admin_emails: optionalText({
    idle: true,
    meaning: noMeaning,
    quirk: "errors are in the daemon's log",
    flag: "admin-emails"
  }),
  log_level: choice(["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"], {
    default: "INFO",
    meaning: "What the daemon logs: this and what is graver",
    quirk: "kojid's default is WARNING, and its unit asks for INFO"
  }),
  log_timestamps: boolean({ default: "no", meaning: "Upload a file of times beside each log" }),

  mockdir: text({
    default: "/var/lib/mock",
    meaning: "Where kojid kept buildroots; still named in mock_config.log",
    flag: "mockdir"
  }),
  mockuser: text({ idle: true, default: "kojibuilder", meaning: noMeaning, flag: "mockuser" }),
  mockhost: text({ default: "koji-linux-gnu", meaning: "What follows the arch in the macro _host" }),
  mock_bootstrap_image: boolean({
    default: "no",
    meaning: "Whether a tag may choose the tools image by its extra mock.bootstrap_image",
    quirk: "kojid takes any text for yes, even no"
  }),
  chroot_tmpdir: text({
    default: "/chroot_tmpdir",
    meaning: "Directory inside buildroots that outlives steps",
    flag: "chroot-tmpdir"
  }),
  packager: text({ default: "Koji", meaning: "The macro packager" }),
  vendor: text({ default: "Koji", meaning: "The macro vendor" }),
  distribution: text({ default: "Koji", meaning: "The macro distribution" }),
  yum_proxy: optionalText({ meaning: "Proxy of the package manager" }),
  rpmbuild_timeout: integer({
    default: "86400",
    min: 1,
    max: secondsMax,
    meaning: "Seconds that one rpmbuild may take"
  }),
  failed_buildroot_lifetime: integer({
    default: "14400",
    ...seconds,
    meaning: "Seconds that a failed task's root is kept"
  }),
  buildroot_basic_cleanup_delay: integer({
    idle: true,
    default: "120",
    ...seconds,
    meaning: "Seconds until other roots are emptied"
  }),
  buildroot_final_cleanup_delay: integer({
    idle: true,
    default: "86400",
    ...seconds,
    meaning: "Seconds until nothing of a root is left"
  }),

  allowed_scms: text({
    idle: true,
    default: "",
    meaning: "Where sources may come from: host:path[:use_common[:source_cmd]] …, first match wins"
  }),
  allowed_scms_use_config: boolean({ default: "yes", meaning: "Whether allowed_scms is asked" }),
  allowed_scms_use_policy: boolean({ default: "no", meaning: "Whether the hub's policy build_from_scm is asked" }),
  allow_password_in_scm_url: boolean({
    idle: true,
    default: "no",
    meaning: "Whether a source URL may hold a password"
  }),
  scm_credentials_dir: optionalText({
    idle: true,
    meaning: "Directory seen as /credentials where sources are made into packages"
  }),
  support_rpm_source_layout: boolean({
    idle: true,
    default: "yes",
    meaning: "Whether sources may lie in SPECS and SOURCES"
  }),

  use_createrepo_c: boolean({ default: "yes", meaning: "createrepo_c instead of createrepo" }),
  createrepo_skip_stat: boolean({ default: "yes", meaning: "Trust old metadata without looking at the packages" }),
  createrepo_update: boolean({ default: "yes", meaning: "Start from an old repository's metadata" }),
  distrepo_skip_stat: boolean({ idle: true, default: "no", meaning: "createrepo_skip_stat for distRepo tasks" }),
  copy_old_repodata: boolean({
    idle: true,
    default: "no",
    meaning: "Copy an old repository's metadata when nothing has changed"
  }),

  maven_repo_ignore: words({
    idle: true,
    default:
      "*.md5 *.sha1 maven-metadata*.xml _maven.repositories _remote.repositories resolver-status.properties *.lastUpdated",
    meaning: "Globs of files that are no Maven artifacts"
  }),
  oz_install_timeout: integer({
    idle: true,
    default: "0",
    ...seconds,
    meaning: "Seconds that an image's installation may take",
    quirk: "0 is the tool's own limit"
  }),
  xz_options: text({ idle: true, default: "-z6T0", meaning: "How images are compressed: one argument" }),
  allow_noverifyssl: boolean({ idle: true, default: "no", meaning: "Whether image tasks may use noverifyssl" }),

  smtphost: text({ default: "example.com", meaning: "Mail server of notifications" }),
  smtp_user: optionalText({ meaning: "User to log in there" }),
  smtp_pass: secret({ meaning: "Its password" }),
  from_addr: text({ default: "Koji Build System <buildsys@example.com>", meaning: "Sender of notifications" }),
  pkgurl: optionalText({ idle: true, meaning: noMeaning, quirk: "obsolete in kojid too", flag: "pkgurl" })
})
export type KojidOptions = typeof KojidOptions.Type

/** Other names of an option. Where both are set, the one further down in the file counts. */
export const kojidAliases: ReadonlyMap<string, string> = new Map([["plugins", "plugin"]])

/** The configuration as the rooms below want it: plain values, no option names. */
import { cpus } from "node:os"
import { Redacted } from "effect"
import type { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { reads } from "../buildroot/ContainerSteps.ts"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import type { InstanceId } from "../core/Ids.ts"
import type { EngineInfo } from "../engine/Engine.ts"
import type { SessionOptions } from "../hub/HubSession.ts"
import type { SmtpOptions } from "../mail/Smtp.ts"
import type { DaemonOptions } from "./Daemon.ts"

/** What is known only when the daemon starts. */
export interface Surroundings {
  readonly instance: InstanceId
  readonly bootId: string
  readonly version: string
  readonly hostName: string
  readonly engine: EngineInfo
}

export const builderSettings = (config: DaemonConfigValues, start: Surroundings): BuilderSettings["Service"] => {
  const { kojid, adjutant } = config
  const { install_network: network } = adjutant
  return {
    instance: start.instance,
    bootId: start.bootId,
    version: start.version,
    hostName: start.hostName,
    workerId: adjutant.worker_id ?? start.hostName,
    stateDirectory: adjutant.state_dir,
    logDirectory: adjutant.log_dir,
    topUrls: config.topUrls,
    topDirectory: kojid.topdir,
    toolsImage: adjutant.tools_image,
    toolsImages: adjutant.tools_images,
    baseImages: adjutant.base_images,
    pullPolicy: adjutant.pull_policy,
    pullTimeoutSeconds: adjutant.pull_timeout,
    pullInactivitySeconds: adjutant.pull_inactivity_timeout,
    installMounts: adjutant.mounts.map(({ source, target }) => reads(source, target, false)),
    labels: Object.fromEntries(adjutant.labels.map(({ name, value }) => [name, value])),
    installNetwork: network === "host" || network === "none" ? network : { named: network },
    limits: {
      memoryBytes: adjutant.memory_bytes,
      cpus: adjutant.cpus === 0 ? cpus().length : adjutant.cpus,
      processes: adjutant.processes,
      openFiles: adjutant.open_files,
      wallSeconds: kojid.rpmbuild_timeout,
      silenceSeconds: adjutant.silence_timeout,
      outputBytes: adjutant.log_bytes_max,
      diskBytes: adjutant.disk_bytes
    },
    relabel: adjutant.selinux === "auto" && start.engine.selinux,
    imageCacheBytesMax: adjutant.image_cache_bytes,
    imageCacheAgeSecondsMax: adjutant.image_cache_age,
    failedRootBytesMax: adjutant.failed_root_bytes,
    failedRootAgeSecondsMax: kojid.failed_buildroot_lifetime,
    packager: kojid.packager,
    vendor: kojid.vendor,
    distribution: kojid.distribution,
    mockHost: kojid.mockhost,
    mockDirectory: kojid.mockdir,
    yumProxy: kojid.yum_proxy,
    rpmbuildTimeoutSeconds: kojid.rpmbuild_timeout,
    chrootTmpdir: kojid.chroot_tmpdir,
    mockBootstrapImage: kojid.mock_bootstrap_image,
    literalTaskArches: kojid.literal_task_arches,
    buildArchCanFail: kojid.build_arch_can_fail,
    useCreaterepoC: kojid.use_createrepo_c,
    createrepoSkipStat: kojid.createrepo_skip_stat,
    createrepoUpdate: kojid.createrepo_update,
    logTimestamps: kojid.log_timestamps
  }
}

/** Without a time-out of their own, hub calls get kojid's: some take the hub many minutes. */
const requestTimeoutSeconds = 43_200

export const sessionOptions = ({ kojid }: DaemonConfigValues, force: boolean): SessionOptions => ({
  exclusive: force ? "force" : "polite",
  retries: {
    retriesMax: kojid.max_retries,
    intervalSeconds: kojid.retry_interval,
    offlineIntervalSeconds: kojid.offline_retry ? kojid.offline_retry_interval : 0,
    timeoutSeconds: kojid.timeout ?? requestTimeoutSeconds
  }
})

export const mailOptions = ({ kojid }: DaemonConfigValues): SmtpOptions => {
  const { smtphost: server, smtp_user: user, smtp_pass: password, from_addr: from } = kojid
  return { server, user, password: typeof password === "string" ? Redacted.make(password) : password, from }
}

export const daemonOptions = (config: DaemonConfigValues): DaemonOptions => ({
  sleepSeconds: config.kojid.sleeptime,
  pollSeconds: config.adjutant.poll_interval,
  maxJobs: config.kojid.maxjobs,
  minSpaceMebibytes: config.kojid.minspace,
  loadAverageMax: config.adjutant.load_average_max,
  taskAvailDelaySeconds: config.kojid.task_avail_delay,
  journalAgeSeconds: config.adjutant.journal_age
})

/**
 * What the operator has chosen, as far as buildroots and tasks need to know: plain values, mapped from the
 * configuration in `main.ts`, so that neither room knows where they came from.
 */
import { Context } from "effect"
import type { InstanceId } from "../core/Ids.ts"
import type { Network, ResourceLimits, VolumeMount } from "../engine/ContainerSpec.ts"
import type { PullPolicy } from "../engine/Engine.ts"

/** Which image serves the tags and architectures whose names match these patterns; the first match wins. */
export interface ImageRule {
  readonly tag: string
  readonly arch: string
  readonly image: string
}

export class BuilderSettings extends Context.Service<
  BuilderSettings,
  {
    readonly instance: InstanceId
    readonly bootId: string
    readonly version: string
    /** The builder's own name: `%_buildhost`. */
    readonly hostName: string
    readonly workerId: string

    readonly stateDirectory: string
    readonly logDirectory: string
    /** Base URLs of the hub's file tree; the first is used, all go into the repository configuration. */
    readonly topUrls: ReadonlyArray<string>
    /** The same tree mounted here (`createrepo` needs it). */
    readonly topDirectory: string

    readonly toolsImage: string
    readonly toolsImages: ReadonlyArray<ImageRule>
    /** Ready-made base images by tag: then `base` is that image. */
    readonly baseImages: ReadonlyArray<ImageRule>
    readonly pullPolicy: PullPolicy
    readonly pullTimeoutSeconds: number
    readonly pullInactivitySeconds: number
    /** What steps that fetch packages may reach. Steps that build reach nothing. */
    readonly installNetwork: Network
    /** What of the host they see, read-only: certificates, keys. Steps that build see none of it. */
    readonly installMounts: ReadonlyArray<VolumeMount>
    /** The operator's labels of every container. */
    readonly labels: Readonly<Record<string, string>>
    readonly limits: ResourceLimits
    readonly relabel: boolean
    readonly imageCacheBytesMax: number
    readonly imageCacheAgeSecondsMax: number
    /** 0: the roots of failed tasks are not kept at all. */
    readonly failedRootBytesMax: number
    readonly failedRootAgeSecondsMax: number

    readonly packager: string
    readonly vendor: string
    readonly distribution: string
    readonly mockHost: string
    readonly mockDirectory: string
    readonly yumProxy: string | null
    readonly rpmbuildTimeoutSeconds: number
    readonly chrootTmpdir: string
    readonly mockBootstrapImage: boolean
    readonly literalTaskArches: ReadonlyArray<string>
    readonly buildArchCanFail: boolean
    readonly useCreaterepoC: boolean
    readonly createrepoSkipStat: boolean
    readonly createrepoUpdate: boolean
    readonly logTimestamps: boolean
  }
>()("adjutant/buildroot/BuilderSettings") {}

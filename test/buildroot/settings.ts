/** The settings of a builder that has everything below one directory. */
import { join } from "node:path"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { InstanceId } from "../../src/core/Ids.ts"
import { limits } from "../contract/EngineContract.ts"

export const builderSettings = (
  {
    directory,
    instance,
    image,
    bootId
  }: { readonly directory: string; readonly instance: string; readonly image: string; readonly bootId: string },
  change: Partial<BuilderSettings["Service"]>
) =>
  BuilderSettings.of({
    instance: InstanceId.make(instance),
    bootId,
    version: "test",
    hostName: "builder.example.org",
    workerId: "builder",
    stateDirectory: join(directory, "state"),
    logDirectory: join(directory, "log"),
    topUrls: [],
    topDirectory: directory,
    toolsImage: image,
    toolsImages: [],
    baseImages: [],
    pullPolicy: "never",
    pullTimeoutSeconds: 60,
    pullInactivitySeconds: 60,
    installNetwork: "host",
    installMounts: [],
    labels: {},
    limits: { ...limits, memoryBytes: 1024 ** 3, wallSeconds: 600, silenceSeconds: 600, processes: 1000 },
    relabel: false,
    imageCacheBytesMax: 1024 ** 4,
    imageCacheAgeSecondsMax: 86_400,
    failedRootBytesMax: 1024 ** 4,
    failedRootAgeSecondsMax: 14_400,
    packager: "Koji",
    vendor: "Koji",
    distribution: "Koji",
    mockHost: "koji-linux-gnu",
    mockDirectory: "/var/lib/mock",
    yumProxy: null,
    rpmbuildTimeoutSeconds: 600,
    chrootTmpdir: "/chroot_tmpdir",
    mockBootstrapImage: false,
    literalTaskArches: [],
    buildArchCanFail: false,
    useCreaterepoC: true,
    createrepoSkipStat: true,
    createrepoUpdate: true,
    logTimestamps: false,
    ...change
  })

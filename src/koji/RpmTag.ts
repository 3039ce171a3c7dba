/** The header tags that Koji reads, by rpm's number (tasks.md 3.9 and 14; rpm's `rpmtag.h`). */
export const rpmTag = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  summary: 1004,
  description: 1005,
  buildTime: 1006,
  size: 1009,
  distribution: 1010,
  vendor: 1011,
  license: 1014,
  packager: 1015,
  group: 1016,
  url: 1020,
  arch: 1022,
  preIn: 1023,
  postIn: 1024,
  preUn: 1025,
  postUn: 1026,
  fileSizes: 1028,
  fileModes: 1030,
  fileDevices: 1033,
  fileModificationTimes: 1034,
  fileDigests: 1035,
  fileLinkTargets: 1036,
  fileFlags: 1037,
  fileUsers: 1039,
  fileGroups: 1040,
  sourceRpm: 1044,
  fileVerifyFlags: 1045,
  excludeArch: 1059,
  exclusiveArch: 1061,
  buildArchs: 1089,
  fileInodes: 1096,
  sourcePackage: 1106,
  directoryIndexes: 1116,
  baseNames: 1117,
  directoryNames: 1118,
  longFileSizes: 5008,
  longSize: 5009
} as const

/** Each kind of dependency is three arrays side by side. */
export const dependencyTags = {
  requires: { names: 1049, flags: 1048, versions: 1050 },
  provides: { names: 1047, flags: 1112, versions: 1113 },
  conflicts: { names: 1054, flags: 1053, versions: 1055 },
  obsoletes: { names: 1090, flags: 1114, versions: 1115 }
} as const

/** In the signature: the MD5 over header and payload that Koji calls `payloadhash` (rpm shows it as tag 261). */
export const signatureMd5Tag = 1004

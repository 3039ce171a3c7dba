/**
 * How much of a host's capacity a task takes, as it is told to the hub when the task is opened (tasks.md 1.1).
 *
 * The scale is arbitrary but shared: hosts run builders of both kinds, and the hub adds the numbers up.
 */
const weights: ReadonlyMap<string, number> = new Map([
  ["build", 0.2],
  ["buildArch", 1.5],
  ["buildSRPMFromSCM", 1.0],
  ["rebuildSRPM", 1.0],
  ["chainbuild", 0.1],
  ["tagBuild", 1.0],
  ["tagNotification", 0.1],
  ["buildNotification", 0.1],
  ["newRepo", 0.1],
  ["createrepo", 1.5],
  ["waitrepo", 0.2],
  ["distRepo", 0.1],
  ["createdistrepo", 1.5],
  ["maven", 0.2],
  ["buildMaven", 1.5],
  ["wrapperRPM", 1.5],
  ["chainmaven", 0.2],
  ["image", 1.0],
  ["createImage", 2.0],
  ["indirectionimage", 1.0],
  ["appliance", 1.0],
  ["createAppliance", 1.5],
  ["livecd", 1.0],
  ["createLiveCD", 1.5],
  ["livemedia", 1.0],
  ["createLiveMedia", 1.5],
  ["runroot", 2.0],
  ["kiwiBuild", 4.0],
  ["createKiwiImage", 2.0],
  ["dudBuild", 1.0],
  ["createDudIso", 1.0],
  ["saveFailedTree", 3.0],
  ["restartHosts", 0.1],
  ["restart", 0.1],
  ["restartVerify", 0.1],
  ["shutdown", 0.0],
  ["dependantTask", 0.2],
  ["default", 0.1],
  ["subtask", 0.1],
  ["sleep", 0.25],
  ["fork", 1.0],
  ["waittest", 0.1],
  ["someMethod", 1.0],
  ["winbuild", 0.2],
  ["vmExec", 3.0]
])

/** The weight of a method that says nothing of its own. */
export const defaultWeight = 1.0

/** The weight a task is opened with. */
export const taskWeight = (method: string): number => weights.get(method) ?? defaultWeight

/** However long a package builds, its weight grows no further. */
const extraWeightMax = 18.0
const secondsPerWeight = 4800

/**
 * The weight of a buildArch by how long the package takes on average, in seconds; null when there is no reason to
 * change it: no average, or a nonsensical one (tasks.md 3.5). From 1.5 to 19.5.
 */
export const buildArchWeight = (averageSeconds: number | null): number | null =>
  averageSeconds === null || !(averageSeconds > 0)
    ? null
    : taskWeight("buildArch") + Math.min(extraWeightMax, averageSeconds / secondsPerWeight)

/**
 * Where we ask a hub otherwise than kojid, and why: all of it. What differs and does not stand here is a defect, and
 * what stands here and does not differ any more has to go.
 */
import type { Phase } from "../contract/Transcripts.ts"
import type { Difference } from "./Script.ts"

export interface OnPurpose extends Difference {
  /** In sessions of tasks of these methods, or in the daemon's own. */
  readonly where: ReadonlyArray<string>
  /** The call that only one of the two makes; with three dots at the end, how it begins. */
  readonly what: string
  readonly why: string
  /** Only in this phase. */
  readonly phase?: Phase
  /** Only when two things happen in a certain order. */
  readonly sometimes?: true
}

const builds = ["build", "buildArch", "rebuildSRPM", "newRepo", "createrepo", "waitrepo", "tagBuild"]
const notices = ["buildNotification", "tagNotification"]
const everyTask = [...builds, ...notices, "sleep", "fork", "subtask", "waittest", "restartHosts"]

/** Two ways of saying one thing. */
const insteadOf = (
  where: ReadonlyArray<string>,
  theirs: string,
  ours: string,
  why: string
): ReadonlyArray<OnPurpose> => [
  { where, who: "kojid", what: theirs, why },
  { where, who: "we", what: ours, why }
]
const only = (who: "kojid" | "we", where: string, what: string, why: string): OnPurpose => ({
  where: [where],
  who,
  what,
  why
})

const moved = (where: string, what: string, why: string) => insteadOf([where], what, what, why)

const ready = "host.updateHost(number, true, data: {maxjobs: number, methods: [text …]}), host.getTasks()"
const notReady = "host.updateHost(number, false, data: {maxjobs: number, methods: [text …]})"
const beginsAnew =
  "a daemon that begins anew leaves first as one that stops does: not ready for more, and without a session that nobody uses"
const oneKindOfLook =
  "a look asks for the host also while the daemon waits for its tasks: it may have been disabled meanwhile"
const glances = "between two looks there are glances, the calls alone that show new and ended tasks (adr/0016)"
const twoLooks = "what the hub calls ours and we do not know is freed at the second look, or glance, that shows it"

export const onPurpose: ReadonlyArray<OnPurpose> = [
  ...insteadOf(
    [...everyTask, "daemon"],
    "logout(session_id: nil)",
    "logout()",
    "no session named is our own, and that is what hubs understood before there was the argument"
  ),
  ...insteadOf(
    ["waittest"],
    'host.subtask("sleep", [number …], number, label: text)',
    'host.subtask(arglist: [number …], label: text, method: "sleep", parent: number)',
    "kojid's tests give these by their places, all its other tasks by their names: we always do that"
  ),
  ...insteadOf(
    ["waittest"],
    'host.subtask("sleep", [text …], number, label: "bad")',
    'host.subtask(arglist: [text …], label: "bad", method: "sleep", parent: number)',
    "as for the other children"
  ),
  ...insteadOf(
    ["restartHosts"],
    'host.subtask("restart", …',
    "host.subtask(arglist: [{arches: …",
    "as for the children of waittest"
  ),
  ...insteadOf(
    ["restartHosts"],
    'host.subtask("restartVerify", …',
    "host.subtask(arglist: [number, {arches: …",
    "as for the children of waittest"
  ),
  only("kojid", "build", "getBuildConfig(number, event: number)", "of one event it is always the same: we ask once"),
  only(
    "kojid",
    "buildArch",
    "host.failTask(number, a fault 1004)",
    "what the hub has refused a canceled task is no reason to report it as failed: it would refuse that too"
  ),
  only("kojid", "buildArch", "upload of installed_pkgs.log", "canceled before there was one"),
  {
    ...only("we", "build", "host.taskWaitResults(…", "a parent that hears of its canceled children before its own end"),
    sometimes: true
  },
  ...moved("build", "getTaskInfo(number)", "asked for its owner, after the target, when there is something to own"),
  only("kojid", "buildArch", "getTaskInfo(number)", "for the arch of a noarch task's label, which its parameters say"),
  only(
    "we",
    "buildArch",
    "upload of dnf.log",
    "mock keeps it beside its logs; the recorded mock was a stand-in without dnf"
  ),
  only("we", "rebuildSRPM", "upload of dnf.log", "as for buildArch"),
  only(
    "kojid",
    "rebuildSRPM",
    "upload of installed_pkgs.log",
    "mock writes it for builds only; the stand-in always did"
  ),
  only("kojid", "createrepo", "getTag(number, event: number, strict: true)", "for a repo.json that nobody reads here"),
  only("kojid", "createrepo", "getTaskInfo(number, request: true, strict: true)", "as for getTag"),
  ...["comps.xml", "comps.xml.gz", "filelists.sqlite.bz2", "filelists.xml.gz"].map((name) =>
    only(
      "kojid",
      "createrepo",
      `upload of ${name}`,
      "the model's createrepo leaves fewer files; all that there are go up"
    )
  ),
  ...["other.sqlite.bz2", "other.xml.gz", "primary.sqlite.bz2"].map((name) =>
    only("kojid", "createrepo", `upload of ${name}`, "as for comps.xml")
  ),
  only(
    "we",
    "sleep",
    "host.freeTasks([number …])",
    "a task that is given back is so in its own session, by its attempt; kojid's daemon does it for those that it has killed"
  ),
  only("we", "daemon", "login(…", "the recorded builder had a certificate, the model's has a password"),
  only("kojid", "daemon", "host.freeTasks([])", "nothing to free is nothing to ask for"),
  only(
    "we",
    "daemon",
    'host.setBuildRootState(number, "EXPIRED")',
    "kojid says the state's number here, its name elsewhere"
  ),
  only("we", "daemon", "host.getHostTasks(), host.getTasks()", glances),
  only("kojid", "daemon", `host.getHostTasks(), host.freeTasks([number …]), host.getHost(), ${ready}`, twoLooks),
  only("we", "daemon", `host.getHostTasks(), host.getHost(), ${ready}`, twoLooks),
  only("we", "daemon", "host.getHostTasks(), host.freeTasks([number …]), host.getTasks()", twoLooks),
  ...[
    only(
      "we",
      "daemon",
      "getTaskInfo(number, request: true)",
      "what an earlier process took is gone on with, not opened again"
    )
  ].map((one) => ({ ...one, phase: "L" as const })),
  ...[
    only("we", "daemon", "host.updateHost(ready: false, task_load: number)", beginsAnew),
    only("kojid", "daemon", "host.getHostTasks()", beginsAnew),
    only("kojid", "daemon", `host.getHostTasks(), ${notReady}`, oneKindOfLook),
    only("we", "daemon", `host.getHostTasks(), host.getHost(), ${notReady}`, oneKindOfLook)
  ].map((one) => ({ ...one, phase: "J" as const }))
]

/** A recorded session that nothing of ours is held to. */
export interface NotHere {
  /** The one that is held in its place, since the two say the same. */
  readonly as?: string
  readonly why: string
}

const sleeps = { as: "D task23", why: "another sleep" }
const scmTask = "buildSRPMFromSCM is refused here; the build above it is told of with another builder's"

/** All of those. */
export const notHere: Readonly<Record<string, NotHere>> = {
  "C task12": { why: scmTask },
  "D task24": sleeps,
  "D task25": sleeps,
  "E task28": { why: "distRepo is refused here" },
  "E task30": { why: "createdistrepo is refused here" },
  "O task51": {
    why: "the process that outlives a killed kojid closes its task in vain; none of ours outlives the daemon"
  }
}

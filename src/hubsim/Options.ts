/**
 * What a site would write into hub.conf (daemon.md 4.10 and tasks.md 4.1 for the meaning of the names), with this
 * hub's defaults: the real hub's, but for what would only make one person wait at one machine.
 */

/** What a policy says, which Koji writes as rules. The first word is the action, the rest a reason. */
export type Policies = { readonly [name: string]: string }

export interface HubOptions {
  /** Seconds between two runs of the scheduler; the real hub's 60 would be most of a small build. */
  readonly runIntervalSeconds: number
  readonly readyTimeoutSeconds: number
  readonly assignTimeoutSeconds: number
  readonly hostTimeoutSeconds: number
  readonly softRefusalTimeoutSeconds: number
  /** For a host that has not said how many tasks it takes. */
  readonly maxJobs: number
  readonly capacityOvercommit: number
  /** Seconds after which a session must be renewed; 0 is never. */
  readonly sessionRenewalTimeoutSeconds: number
  /** How old a tag's repo may be and still be good enough for a request that names no event. */
  readonly repoLagSeconds: number
  readonly repoLagWindowSeconds: number
  readonly maxRepoTasks: number
  readonly repoRetries: number
  readonly repoQueueUser: string
  /** How long a repo stays READY after a newer one of its tag has taken its place. */
  readonly repoExpireSeconds: number
  /** Whether tasks that send mail are made. No mail is ever sent from here, so nobody waits for one. */
  readonly notifications: boolean
  readonly emailDomain: string
  readonly webUrl: string
  readonly policies: Policies
  /** Whether a web server in front says who logs in, by certificate or Kerberos: see `FrontEnd.ts`. */
  readonly hasFrontEnd: boolean
  /** Whether somebody who logs in so, and is unknown, becomes a user. */
  readonly loginCreatesUser: boolean
}

/**
 * The default policies of the real hub let only an administrator build from an SRPM, from a URL or from a given repo.
 * An embedded hub has one user, so they allow.
 */
export const defaultOptions: HubOptions = {
  runIntervalSeconds: 1,
  readyTimeoutSeconds: 180,
  assignTimeoutSeconds: 300,
  hostTimeoutSeconds: 900,
  softRefusalTimeoutSeconds: 900,
  maxJobs: 15,
  capacityOvercommit: 5,
  sessionRenewalTimeoutSeconds: 24 * 60 * 60,
  repoLagSeconds: 3600,
  repoLagWindowSeconds: 600,
  maxRepoTasks: 10,
  repoRetries: 3,
  repoQueueUser: "kojira",
  repoExpireSeconds: 24 * 60 * 60,
  notifications: false,
  emailDomain: "localhost",
  webUrl: "http://localhost.localdomain/koji",
  hasFrontEnd: false,
  loginCreatesUser: true,
  policies: {
    build_rpm: "allow",
    build_from_srpm: "allow",
    build_from_repo_id: "allow",
    build_from_scm: "allow",
    package_list: "allow",
    vm: "allow",
    cg_import: "allow",
    volume: "DEFAULT",
    priority: "stay"
  }
}

/** The version this hub answers as: the one whose traffic the transcripts hold. */
export const kojiVersion = "1.35.3"

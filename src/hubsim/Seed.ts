/**
 * Setting a hub up: users, a builder, tags, packages. Everything may be done again: what is there already stays, or is
 * brought to what is asked for, and what is right already makes no event.
 */
import { Effect, Schema } from "effect"
import type { Struct } from "../hub/Value.ts"
import type { KojiFault } from "../koji/Fault.ts"
import type { Build } from "./Builds.ts"
import { type Answering, Call, type Session } from "./Call.ts"
import { orNull, rowOf } from "./Database.ts"
import { asUser, type Hub } from "./Dispatcher.ts"
import { addGroup, addGroupPackage, tagGroups } from "./Groups.ts"
import { addHost, editHost, findHost } from "./Hosts.ts"
import { importDirectory } from "./ImportDirectory.ts"
import { linksOf } from "./Inheritance.ts"
import { getId, idFor } from "./NameOrId.ts"
import { addToPackageList, packageList } from "./PackageLists.ts"
import { hashPassword, isPassword } from "./Passwords.ts"
import { findTag, getTag } from "./TagConfig.ts"
import { createTag, editTag, setInheritance } from "./TagEditing.ts"
import { tagBuild, taggedBuilds } from "./Tagging.ts"
import { createTarget, findTarget } from "./Targets.ts"
import { findUser } from "./Users.ts"

type Seeding<A> = Effect.Effect<A, KojiFault>

const readPassword = rowOf(Schema.Struct({ password: orNull(Schema.String) }))

/** Who has set the hub up, and owns what has no other owner. */
export const adminName = "kojiadmin"

const setPassword = Effect.fnUntraced(function* (id: number, password: string) {
  const { db } = yield* Call
  const stored = db.first(readPassword, "SELECT password FROM users WHERE id = ?", id)?.password
  if (stored == null || !isPassword(password, stored)) {
    db.run("UPDATE users SET password = ? WHERE id = ?", hashPassword(password), id)
  }
})

const user = Effect.fnUntraced(function* (name: string, password: string | null, permissions: ReadonlyArray<string>) {
  const { db } = yield* Call
  const id = (yield* findUser(name))?.id ?? db.insert("users", { name })
  if (password !== null) yield* setPassword(id, password)
  for (const permission of permissions) {
    yield* idFor("permissions", permission)
    db.run("INSERT OR IGNORE INTO user_perms (user_id, name) VALUES (?, ?)", id, permission)
  }
  return id
})

/** Something an administrator does. */
const byAdmin = <A>(hub: Hub, work: Answering<A>): Seeding<A> =>
  Effect.flatMap(asUser(hub, null, user(adminName, null, ["admin"])), (userId) => {
    const standing = { id: 0, authtype: 0, master: null, exclusive: false, expired: false, info: {} }
    const session: Session = { ...standing, userId, userName: adminName }
    return asUser(hub, session, work)
  })

/** A user who may log in, and the id. */
export const seedUser = (
  hub: Hub,
  options: { readonly name: string; readonly password: string; readonly permissions?: ReadonlyArray<string> }
): Seeding<number> => asUser(hub, null, user(options.name, options.password, options.permissions ?? []))

/** The channels that tasks go to, and the user that repo tasks belong to. */
export const seedChannels = (hub: Hub): Seeding<void> =>
  asUser(
    hub,
    null,
    Effect.gen(function* () {
      for (const name of ["default", "createrepo"]) yield* idFor("channels", name)
      yield* user(hub.options.repoQueueUser, null, ["repo"])
    })
  )

export interface Builder {
  readonly name: string
  readonly password: string
  readonly arches: ReadonlyArray<string>
  readonly capacity?: number
  readonly channels?: ReadonlyArray<string>
  /** Whom Kerberos knows it as. */
  readonly principal?: string
}

/** A builder host that may log in, in channels `default` and `createrepo` or those named, and its id. */
export const seedBuilder = (
  hub: Hub,
  { name, password, arches, capacity = 2, channels, principal }: Builder
): Seeding<number> =>
  byAdmin(
    hub,
    Effect.gen(function* () {
      const { db, event } = yield* Call
      yield* idFor("channels", "default")
      const host = (yield* findHost(name))?.id ?? (yield* addHost(name, arches, true))
      const known = yield* findHost(host)
      if (known !== undefined) yield* setPassword(known.user_id, password)
      if (known !== undefined && principal !== undefined) {
        db.run("INSERT OR IGNORE INTO user_krb_principals VALUES (?, ?)", principal, known.user_id)
      }
      if (known?.capacity !== capacity || known.arches !== arches.join(" ")) {
        yield* editHost(host, { capacity, arches: arches.join(" ") })
      }
      for (const channel of channels ?? ["default", "createrepo"]) {
        const id = yield* idFor("channels", channel)
        const linked = "SELECT 1 FROM host_channels WHERE host_id = ? AND channel_id = ? AND revoke_event IS NULL"
        if (db.has(linked, host, id)) continue
        db.insert("host_channels", { host_id: host, channel_id: id, create_event: event() })
      }
      return host
    })
  )

export interface SeedTag {
  readonly name: string
  readonly arches?: string | null
  readonly extra?: Struct
  /** The tags it inherits, the most important first. */
  readonly parents?: ReadonlyArray<string>
  /** Package names by group. */
  readonly groups?: Readonly<Record<string, ReadonlyArray<string>>>
}

const groupsOf = Effect.fnUntraced(function* (tag: number, groups: Readonly<Record<string, ReadonlyArray<string>>>) {
  const { db } = yield* Call
  for (const [name, packages] of Object.entries(groups)) {
    const found = () => tagGroups(db, tag, null).find((group) => group.name === name)
    if (found() === undefined) yield* addGroup(tag, name)
    const members = new Set(found()?.packagelist.map((member) => member.package))
    for (const pkg of packages) if (!members.has(pkg)) yield* addGroupPackage(tag, name, pkg)
  }
})

/** A tag with its arches, extras, parents and groups, and its id. */
export const seedTag = (
  hub: Hub,
  { name, arches = null, extra = {}, parents = [], groups = {} }: SeedTag
): Seeding<number> =>
  byAdmin(
    hub,
    Effect.gen(function* () {
      const { db } = yield* Call
      const known = yield* findTag(name)
      const id = known?.id ?? (yield* createTag(name, { arches, extra }))
      if (known !== undefined) yield* editTag(id, { arches, extra })
      const wanted = yield* Effect.forEach(parents, (parent) => getId("tag", parent))
      const links = linksOf(db, id, null).map((link) => link.parent_id)
      if (JSON.stringify(links) !== JSON.stringify(wanted)) {
        const data = wanted.map((parent, priority) => ({ parent_id: parent, priority: priority * 10 }))
        yield* setInheritance(id, data, true)
      }
      yield* groupsOf(id, groups)
      return id
    })
  )

/** A target, unless there is one of this name. */
export const seedTarget = (
  hub: Hub,
  options: { readonly name: string; readonly buildTag: string; readonly destinationTag: string }
): Seeding<void> =>
  byAdmin(
    hub,
    Effect.gen(function* () {
      if ((yield* findTarget(options.name, null)) !== undefined) return
      yield* createTarget(options.name, options.buildTag, options.destinationTag)
    })
  )

/** Puts packages on a tag's list, so that builds of them may be tagged. */
export const seedPackages = (hub: Hub, tagName: string, packages: ReadonlyArray<string>): Seeding<void> =>
  byAdmin(
    hub,
    Effect.gen(function* () {
      const { db } = yield* Call
      const tag = yield* getTag(tagName)
      const listed = new Set([...packageList(db, tag.id).values()].map((entry) => entry.package_name))
      for (const name of packages) {
        if (!listed.has(name)) yield* addToPackageList({ tag: tag.id, package: name, owner: adminName })
      }
    })
  )

/** Takes the packages below a directory for builds, and tags these. */
export const seedBuilds = (
  hub: Hub,
  options: { readonly directory: string; readonly tag: string }
): Seeding<ReadonlyArray<Build>> =>
  byAdmin(
    hub,
    Effect.gen(function* () {
      const { db } = yield* Call
      const tag = yield* getTag(options.tag)
      const builds = yield* importDirectory(options.directory, adminName)
      for (const build of builds) {
        if (!packageList(db, tag.id).has(build.package_id)) {
          yield* addToPackageList({ tag: tag.id, package: build.package_name, owner: adminName })
        }
        const tagged = taggedBuilds(db, tag.id, {
          event: null,
          inherit: false,
          latest: false,
          package: build.package_name
        })
        if (!tagged.some(({ id }) => id === build.id)) yield* tagBuild(tag, build, false)
      }
      return builds
    })
  )

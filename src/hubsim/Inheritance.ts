/** What a tag inherits, and in which order (kojihub `readFullInheritanceRecurse`). */
import { Schema } from "effect"
import { atEvent, type Database, Flag, orNull, rowOf } from "./Database.ts"

const Link = Schema.Struct({
  parent_id: Schema.Int,
  name: Schema.String,
  priority: Schema.Int,
  maxdepth: orNull(Schema.Int),
  intransitive: Flag,
  noconfig: Flag,
  pkg_filter: Schema.String,
  child_id: Schema.Int
})
type Link = typeof Link.Type
const readLink = rowOf(Link)

/** One step up. `nextdepth`: how many more may follow; nil is any number. `filter`: patterns that names must match. */
export type InheritanceLink = Link & {
  readonly nextdepth: number | null
  readonly currdepth: number
  readonly filter: ReadonlyArray<string>
}

/** A tag's own links, the most important first. */
export const linksOf = (db: Database, tag: number, event: number | null): ReadonlyArray<Link> =>
  db.all(
    readLink,
    `SELECT parent_id, name, priority, maxdepth, intransitive, noconfig, pkg_filter, tag_id AS child_id
      FROM tag_inheritance JOIN tag ON tag.id = parent_id WHERE tag_id = ? AND ${atEvent(event)} ORDER BY priority`,
    tag
  )

interface Step {
  readonly tag: number
  /** The tags on the way here, this one included: none of them is entered again. */
  readonly above: ReadonlyArray<number>
  readonly maxdepth: number | null
  readonly noconfig: boolean
  readonly filter: ReadonlyArray<string>
}

/**
 * All links above a tag, depth first. A parent is visited again only where an earlier visit said less: it was closer
 * to its depth limit, had no configuration to give, or was filtered.
 */
export const fullInheritance = (db: Database, tag: number, event: number | null): ReadonlyArray<InheritanceLink> => {
  const order: Array<InheritanceLink> = []
  const visits = new Map<number, Array<InheritanceLink>>()
  const walk = ({ tag, above, maxdepth, noconfig: inherited, filter }: Step): void => {
    if (maxdepth !== null && maxdepth < 1) return
    // Koji lets one link without configuration spoil its later siblings too.
    let noconfig = inherited
    for (const link of linksOf(db, tag, event)) {
      if (above.includes(link.parent_id)) continue
      if (link.intransitive && above.length > 1) continue
      const nextdepth = deeper(link.maxdepth, maxdepth)
      noconfig ||= link.noconfig
      const filters = link.pkg_filter === "" ? filter : [...filter, link.pkg_filter]
      const found: InheritanceLink = { ...link, nextdepth, currdepth: above.length, filter: filters }
      const earlier = visits.get(link.parent_id) ?? []
      if (earlier.some((visit) => saysEnough(visit, nextdepth, noconfig))) continue
      visits.set(link.parent_id, [...earlier, found])
      order.push(found)
      walk({ tag: link.parent_id, above: [...above, link.parent_id], maxdepth: nextdepth, noconfig, filter: filters })
    }
  }
  walk({ tag, above: [tag], maxdepth: null, noconfig: false, filter: [] })
  return order
}

const deeper = (link: number | null, limit: number | null): number | null => {
  if (link === null) return limit === null ? null : limit - 1
  return limit === null ? link : Math.min(link, limit) - 1
}

const saysEnough = (visit: InheritanceLink, nextdepth: number | null, noconfig: boolean): boolean => {
  const deepEnough =
    nextdepth === null ? visit.nextdepth === null : visit.nextdepth === null || visit.nextdepth >= nextdepth
  return deepEnough && !(visit.noconfig && !noconfig) && visit.filter.length === 0
}

/** The tag and all above it, in order. */
export const withParents = (db: Database, tag: number, event: number | null): ReadonlyArray<number> => [
  tag,
  ...fullInheritance(db, tag, event).map((link) => link.parent_id)
]

/** Whether a name passes a link's filters: each must match from the start of the name. */
export const passesFilter = (name: string, filter: ReadonlyArray<string>): boolean =>
  filter.every((pattern) => new RegExp(`^(?:${pattern})`).test(name))

/**
 * Which free tasks a builder opens of its own accord, on hubs before 1.34 that give none out (daemon.md 4.6).
 *
 * Every host that could run a task sees it. So that the one with the most room gets it, each waits before it tries: not
 * at all with the most, and `task_avail_delay` seconds with the least.
 */

/** A host that is ready, of `host.getLoadData`. */
export interface LoadedHost {
  readonly id: number
  /** Words apart by blanks, compared as they are. */
  readonly arches: string | null
  readonly capacity: number
  readonly load: number
  readonly channels: ReadonlyArray<number>
}

export interface FreeTask {
  readonly id: number
  readonly method: string
  readonly arch: string
  readonly channel: number | null
}

export interface FreeTasksView {
  readonly hosts: ReadonlyArray<LoadedHost>
  readonly free: ReadonlyArray<FreeTask>
  readonly hostId: number
  readonly handles: (method: string) => boolean
  readonly delaySeconds: number
  readonly nowSeconds: number
  /** When each was seen first. */
  readonly firstSeen: ReadonlyMap<number, number>
}

export interface FreeTasksPlan {
  /** To be tried now, in the hub's order. */
  readonly open: ReadonlyArray<number>
  readonly firstSeen: ReadonlyMap<number, number>
}

/** How many times the delay a task that was seen once is remembered. */
const rememberedDelays = 10

export const chooseFree = (view: FreeTasksView): FreeTasksPlan => {
  const { hosts, free, hostId, handles, delaySeconds, nowSeconds } = view
  const oldest = nowSeconds - rememberedDelays * delaySeconds
  const firstSeen = new Map([...view.firstSeen].filter(([, seen]) => seen >= oldest))
  const us = hosts.find(({ id }) => id === hostId)
  // A hub that does not list us does not find us ready.
  if (us === undefined) return { open: [], firstSeen }
  const ours = bins(us)
  const open: Array<number> = []
  for (const { id, method, arch, channel } of free) {
    const bin = `${channel}:${arch}`
    if (!ours.has(bin) || !handles(method)) continue
    const seen = firstSeen.get(id) ?? nowSeconds
    firstSeen.set(id, seen)
    if (nowSeconds - seen >= delaySeconds * rank(us, hosts, bin)) open.push(id)
  }
  return { open, firstSeen }
}

const room = ({ capacity, load }: LoadedHost): number => capacity - load

/** From 0, of the host with the most room for such tasks, to 1, of the one with the least. */
const rank = (us: LoadedHost, hosts: ReadonlyArray<LoadedHost>, bin: string): number => {
  const rooms = hosts
    .filter((host) => bins(host).has(bin))
    .map(room)
    .sort((one, other) => other - one)
  if (rooms.length <= 1) return 0
  const place = rooms.findIndex((other) => other <= room(us))
  return (place === -1 ? rooms.length - 1 : place) / (rooms.length - 1)
}

const bins = ({ channels, arches }: LoadedHost): ReadonlySet<string> => {
  const words = [...(arches ?? "").split(/\s+/).filter((word) => word !== ""), "noarch"]
  return new Set(channels.flatMap((channel) => words.map((word) => `${channel}:${word}`)))
}

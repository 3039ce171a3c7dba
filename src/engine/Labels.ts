/**
 * How containers and images say whose they are: by name and by label.
 *
 * A name is a function of the step it serves, so that a crashed daemon finds its container again without having
 * written anything down, and a second one for the same step is a conflict on the engine and not a duplicate. The labels
 * say the same for whoever lists. `kind` is on containers only: people start containers from our images, those inherit
 * the images' labels, and nobody but their makers may remove them.
 */
import { createHash } from "node:crypto"

/** The step a container serves. */
export interface ContainerIdentity {
  /** The random id of the state directory. */
  readonly instance: string
  readonly task: number
  /** Which run of the task this is here, from 1. */
  readonly attempt: number
  /** The logical path of the step, as `buildArch/install/1`. */
  readonly step: string
}

const prefix = "io.koji.adjutant"
export const label = {
  /** The owner: whoever has this id may remove what carries it, and nobody else. */
  instance: `${prefix}.instance`,
  kind: `${prefix}.kind`,
  workerId: `${prefix}.worker_id`,
  taskId: `${prefix}.task_id`,
  attempt: `${prefix}.attempt`,
  step: `${prefix}.step`,
  bootId: `${prefix}.boot_id`,
  /** On images: the key of what they are made of. */
  image: `${prefix}.image`
} as const

/** Longer names are cut and told apart by a digest. Engines have no limit of their own, the tools around them do. */
const nameLengthMax = 128

/**
 * `adjutant-<instance>-<task>-<attempt>-<step>`, in the characters that engines allow (`[a-zA-Z0-9_.-]`). Different
 * steps get different names: whatever could collide, or be too long, carries a digest of the real path.
 */
export const containerName = (identity: ContainerIdentity): string => {
  const plain = identity.step.replaceAll("/", ".")
  const safe = plain.replaceAll(/[^a-zA-Z0-9_.-]/g, "_")
  const name = `adjutant-${identity.instance}-${identity.task}-${identity.attempt}-${safe}`
  const exact = safe === plain && !identity.step.includes(".") && name.length <= nameLengthMax
  if (exact) return name
  const digest = createHash("sha256").update(identity.step).digest("hex").slice(0, 12)
  return `${name.slice(0, nameLengthMax - digest.length - 1)}-${digest}`
}

/** Everything about a container that a listing should tell. */
export const containerLabels = (
  identity: ContainerIdentity & { readonly workerId: string; readonly bootId: string }
): Readonly<Record<string, string>> => ({
  ...ownerLabels(identity.instance),
  [label.workerId]: identity.workerId,
  [label.taskId]: String(identity.task),
  [label.attempt]: String(identity.attempt),
  [label.step]: identity.step,
  [label.bootId]: identity.bootId
})

/** What every container of this instance carries and nothing else does: what a sweep asks for. */
export const ownerLabels = (instance: string): Readonly<Record<string, string>> => ({
  [label.instance]: instance,
  [label.kind]: "container"
})

/** What the container of a shell in a kept root carries: no step's, and gone with the process that opened it. */
export const shellLabels = (instance: string): Readonly<Record<string, string>> => ({
  [label.instance]: instance,
  [label.kind]: "shell"
})

/** What every image made by this instance carries. */
export const imageOwnerLabels = (instance: string): Readonly<Record<string, string>> => ({ [label.instance]: instance })

/** The labels of an image made here, with the key of what it is made of. */
export const imageLabels = (instance: string, key: string): Readonly<Record<string, string>> => ({
  ...imageOwnerLabels(instance),
  [label.image]: key
})

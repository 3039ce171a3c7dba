/** What we read of an engine's answers, decoded at the edge. Fields we do not use are not looked at. */
import { Schema } from "effect"

const labels = Schema.NullOr(Schema.Record(Schema.String, Schema.String))
const maybe = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

export const VersionAnswer = Schema.Struct({
  Version: Schema.String,
  ApiVersion: Schema.String,
  Arch: Schema.String,
  Components: maybe(Schema.Array(Schema.Struct({ Name: Schema.String, Version: maybe(Schema.String) })))
})

export const InfoAnswer = Schema.Struct({
  DockerRootDir: Schema.String,
  Driver: maybe(Schema.String),
  MemoryLimit: maybe(Schema.Boolean),
  PidsLimit: maybe(Schema.Boolean),
  CgroupVersion: maybe(Schema.String),
  LiveRestoreEnabled: maybe(Schema.Boolean),
  SecurityOptions: maybe(Schema.Array(Schema.String))
})

export const ContainerAnswer = Schema.Struct({
  Id: Schema.String,
  Created: Schema.String,
  LogPath: maybe(Schema.String),
  Config: Schema.Struct({ Labels: labels }),
  State: Schema.Struct({
    Status: Schema.String,
    Running: Schema.Boolean,
    OOMKilled: Schema.Boolean,
    ExitCode: Schema.Int,
    Error: Schema.String,
    StartedAt: Schema.String,
    FinishedAt: Schema.String
  }),
  GraphDriver: maybe(Schema.Struct({ Data: maybe(Schema.Record(Schema.String, Schema.String)) })),
  Mounts: maybe(Schema.Array(Schema.Struct({ Source: maybe(Schema.String), RW: Schema.Boolean })))
})
export type ContainerAnswer = typeof ContainerAnswer.Type

export const ContainerListAnswer = Schema.Array(
  Schema.Struct({
    Id: Schema.String,
    Names: Schema.Array(Schema.String),
    ImageID: Schema.String,
    State: Schema.String,
    Labels: maybe(Schema.Record(Schema.String, Schema.String))
  })
)

export const ImageAnswer = Schema.Struct({
  Id: Schema.String,
  RepoTags: maybe(Schema.Array(Schema.String)),
  RepoDigests: maybe(Schema.Array(Schema.String)),
  Architecture: Schema.String,
  Size: Schema.Int,
  Created: maybe(Schema.String),
  Config: maybe(
    Schema.Struct({
      Labels: Schema.optional(labels),
      Env: maybe(Schema.Array(Schema.String)),
      Healthcheck: Schema.optional(Schema.Unknown),
      Volumes: maybe(Schema.Record(Schema.String, Schema.Unknown))
    })
  )
})
export type ImageAnswer = typeof ImageAnswer.Type

export const ImageListAnswer = Schema.Array(Schema.Struct({ Id: Schema.String }))

/** Docker's, and the bare exit code that is Podman's own. */
export const WaitAnswer = Schema.Union([Schema.Struct({ StatusCode: Schema.Int }), Schema.Int])

export const CommitAnswer = Schema.Struct({ Id: Schema.String })

/** A line of a pull's or an import's progress. Podman reports errors so, under HTTP status 200. */
export const ProgressItem = Schema.Struct({
  status: maybe(Schema.String),
  error: maybe(Schema.String)
})

/** An event; its time in seconds since the epoch. */
export const EventItem = Schema.Struct({ Action: Schema.String, time: Schema.Int })

/** Milliseconds since the epoch; 0 for the engine's "never" (year 1). */
export const milliseconds = (time: string): number => {
  const parsed = Date.parse(time)
  return Number.isFinite(parsed) && parsed > 0 ? parsed : 0
}

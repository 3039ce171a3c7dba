/** What lies behind the door: every service that the work of a step may use, and nothing a handler can reach itself. */
import { Context } from "effect"
import type { Engine } from "../engine/Engine.ts"
import type { HubFiles } from "../hub/HubFiles.ts"
import type { HubSession } from "../hub/HubSession.ts"
import type { TaskAlerts } from "../hub/TaskAlerts.ts"
import type { AttemptJournal } from "../journal/AttemptJournal.ts"
import type { DoorTo } from "../journal/Door.ts"
import type { Mailer } from "../mail/Mailer.ts"
import type { BuilderSettings } from "./BuilderSettings.ts"
import type { DaemonControl } from "./DaemonControl.ts"
import type { ImageStore } from "./ImageStore.ts"
import type { KojiLogs } from "./KojiLogs.ts"
import type { TaskUploads } from "./TaskUploads.ts"
import type { Workspace } from "./Workspace.ts"

export type World = Here | HubSession | TaskAlerts | DaemonControl | Mailer

/** What of it is the builder's own, and the hub's files, which can be had without the hub. */
export type Here =
  | AttemptJournal
  | BuilderSettings
  | Engine
  | HubFiles
  | ImageStore
  | KojiLogs
  | TaskUploads
  | Workspace

/** The door of the attempt in hand: all that a task handler needs. */
export class Door extends Context.Service<Door, DoorTo<World, Here>>()("adjutant/buildroot/Door") {}

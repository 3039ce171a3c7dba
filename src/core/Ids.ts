/** The names by which the lifecycle knows things. */
import { Schema } from "effect"

/** The hub's number of a task. */
export const TaskId = Schema.Int.pipe(Schema.brand("TaskId"))
export type TaskId = typeof TaskId.Type

/** Which run of a task this is here, from 1: the hub gives a task again after a free or a refusal. */
export const AttemptNumber = Schema.Int.pipe(Schema.brand("AttemptNumber"))
export type AttemptNumber = typeof AttemptNumber.Type

/** The logical path of a step within its attempt, as `buildArch/install/1`: the same whenever the program runs again. */
export const StepPath = Schema.String.pipe(Schema.brand("StepPath"))
export type StepPath = typeof StepPath.Type

/** The random id of a state directory: the owner of containers and images. */
export const InstanceId = Schema.String.pipe(Schema.brand("InstanceId"))
export type InstanceId = typeof InstanceId.Type

/** The name of a container, volume of output, or image on the engine. */
export const ContainerName = Schema.String.pipe(Schema.brand("ContainerName"))
export type ContainerName = typeof ContainerName.Type

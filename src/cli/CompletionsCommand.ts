/** `adjutant completions`: a script that teaches a shell the commands and flags. */
import { Console, Effect } from "effect"
import { Argument, Command, Completions } from "effect/cli"

/** `root` is asked for only when the command runs, since this command is a part of it. */
export const completionsCommand = (root: () => Command.Command.Any) =>
  Command.make(
    "completions",
    { shell: Argument.Literals("shell", ["bash", "zsh", "fish"]).pipe(Argument.withDescription("Which shell")) },
    Effect.fn("completionsCommand")(function* ({ shell }) {
      const command = root()
      const script = Completions.generate(command.name, shell, Completions.fromCommand(command))
      // The script tells how to install itself, by the flag that Effect's commands have by default.
      yield* Console.log(script.replaceAll(`${command.name} --completions`, `${command.name} completions`))
    })
  ).pipe(
    Command.withDescription("Print a completion script for a shell"),
    Command.withExamples([
      { command: "adjutant completions bash > /etc/bash_completion.d/adjutant" },
      { command: "adjutant completions fish | source" }
    ])
  )

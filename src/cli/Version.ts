/** The version of this program: what `--version` says, and what journals name. A test holds it to package.json. */
export const version = "0.1.0"

/** Where mail is handed in: `smtphost`, a host or `host:port`, as Python's smtplib reads it. */

export interface MailServer {
  readonly host: string
  readonly port: number
}

const smtpPort = 25

export const mailServer = (text: string): MailServer => {
  const [, host = "", port = ""] = /^(.*):([0-9]{1,5})$/.exec(text) ?? []
  // An IPv6 address alone has colons too, and no port.
  if (host === "" || (host.includes(":") && !host.startsWith("["))) return { host: bare(text), port: smtpPort }
  return { host: bare(host), port: Number(port) }
}

const bare = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

/** As much of `nodemailer`'s connection as is used: it is loaded when there is mail to send. */
declare module "nodemailer/lib/smtp-connection" {
  import type { EventEmitter } from "node:events"
  export default class SMTPConnection extends EventEmitter {
    constructor(options: {
      readonly host: string
      readonly port: number
      readonly opportunisticTLS: boolean
      readonly tls: { readonly rejectUnauthorized: boolean }
      readonly connectionTimeout: number
      readonly greetingTimeout: number
      readonly socketTimeout: number
    })
    connect(done: (error?: Error | null) => void): void
    login(auth: { readonly user: string; readonly pass: string }, done: (error: Error | null) => void): void
    send(
      envelope: { readonly from: string; readonly to: ReadonlyArray<string>; readonly use8BitMime: boolean },
      message: Uint8Array,
      done: (error: Error | null, info?: { readonly rejected: ReadonlyArray<string> }) => void
    ): void
    quit(): void
    close(): void
  }
}

/**
 * The hub's memory: one SQLite file, spoken to in SQL.
 *
 * Everything is synchronous, and one call of a client is one transaction: what a call has answered is on disk, what
 * it has not finished never happened, so killing the process loses nothing that was committed. A row becomes a value
 * only through a Schema, which also turns SQLite's 0 and 1 into booleans and its JSON texts into values.
 *
 * An SQL error is a bug, not an answer: it throws, and the dispatcher turns it into fault 1, as Koji's hub does with
 * an exception that nobody expected.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { Schema } from "effect"
import { enable } from "effect/schema/SchemaJITCompiler"

/** What may be given for a `?`. Booleans are stored as 0 and 1. */
export type Parameter = null | boolean | number | bigint | string

/** Turns one row into a value; made by `rowOf`. */
export type ReadRow<A> = (row: unknown) => A

/** A reader for rows of this shape, which is compiled; columns that the shape does not name are left out. */
export const rowOf = <A, I>(shape: Schema.Codec<A, I>): ReadRow<A> => {
  enable(shape.ast)
  return Schema.decodeUnknownSync(shape)
}

/** A column of 0 and 1. */
export const Flag = Schema.BooleanFromBit
/** A column of JSON text. */
export const JsonColumn = Schema.fromJsonString(Schema.Json)
/** An SQL NULL is a nil. */
export const orNull = Schema.NullOr

const readId = rowOf(Schema.Struct({ id: Schema.Int }))
const readVersion = rowOf(Schema.Struct({ user_version: Schema.Int }))
const readName = rowOf(Schema.Struct({ name: Schema.String }))
const readCount = rowOf(Schema.Struct({ count: Schema.Int }))

const statementsMax = 500

export class Database {
  readonly #connection: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #wrote = false

  /** Opens the file, or makes it; the tables are made where they are missing. Throws at a file of another version. */
  constructor(path: string, tables: string, version: number) {
    this.#connection = new DatabaseSync(path)
    // One process holds the file, a second one is refused. What is committed survives the process; a loss of power
    // may cost the last moments, which is a fair price for calls that need not wait for the disk.
    this.#connection.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"
    )
    const found = this.first(readVersion, "PRAGMA user_version")?.user_version ?? 0
    if (found !== 0 && found !== version) {
      this.close()
      throw new Error(`${path} has tables of version ${found}; this hub's are of version ${version}`)
    }
    this.#connection.exec(`${tables}; PRAGMA user_version = ${Math.trunc(version)}`)
  }

  /** Makes every table what it is in another file of the same version, for those who begin again and again. */
  become(path: string) {
    const tables = this.all(readName, "SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name)
    const copies = tables.map(
      (name) => `DELETE FROM main.${name}; INSERT INTO main.${name} SELECT * FROM other.${name}`
    )
    this.#connection.exec(
      `PRAGMA foreign_keys = OFF; ATTACH '${path.replaceAll("'", "''")}' AS other; BEGIN; ${copies.join("; ")}; COMMIT;
        DETACH other; PRAGMA foreign_keys = ON`
    )
  }

  close() {
    this.#statements.clear()
    this.#connection.close()
  }

  all<A>(read: ReadRow<A>, sql: string, ...parameters: ReadonlyArray<Parameter>): ReadonlyArray<A> {
    return this.#prepared(sql)
      .all(...parameters.map(stored))
      .map((row) => read(row))
  }

  /** The first row, if there is one. */
  first<A>(read: ReadRow<A>, sql: string, ...parameters: ReadonlyArray<Parameter>): A | undefined {
    const row = this.#prepared(sql).get(...parameters.map(stored))
    return row === undefined ? undefined : read(row)
  }

  /** Whether the query has a row at all. */
  has(sql: string, ...parameters: ReadonlyArray<Parameter>): boolean {
    return this.#prepared(sql).get(...parameters.map(stored)) !== undefined
  }

  /** The column `id` of the first row. */
  id(sql: string, ...parameters: ReadonlyArray<Parameter>): number | undefined {
    return this.first(readId, sql, ...parameters)?.id
  }

  /** The column `id` of every row. */
  ids(sql: string, ...parameters: ReadonlyArray<Parameter>): ReadonlyArray<number> {
    return this.all(readId, sql, ...parameters).map(({ id }) => id)
  }

  /** The column `count` of the only row. */
  count(sql: string, ...parameters: ReadonlyArray<Parameter>): number {
    return this.first(readCount, sql, ...parameters)?.count ?? 0
  }

  run(sql: string, ...parameters: ReadonlyArray<Parameter>): void {
    this.#prepared(sql).run(...parameters.map(stored))
    this.#wrote = true
  }

  /** Adds a row and returns its id, where the table has one. */
  insert(table: string, row: { readonly [column: string]: Parameter }): number {
    const columns = Object.keys(row)
    const marks = columns.map(() => "?").join(", ")
    const result = this.#prepared(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks})`).run(
      ...Object.values(row).map(stored)
    )
    this.#wrote = true
    return Number(result.lastInsertRowid)
  }

  begin() {
    this.#connection.exec("BEGIN IMMEDIATE")
    this.#wrote = false
  }

  /** Takes back what has been written since `begin`. */
  rollback() {
    this.#connection.exec("ROLLBACK")
  }

  /**
   * Ends the transaction. Like the hub's, one in which nothing was changed leaves nothing behind, not even the call
   * number noted at its start (daemon.md 2.3).
   */
  commit() {
    this.#connection.exec(this.#wrote ? "COMMIT" : "ROLLBACK")
  }

  /** What has been written so far is no reason to commit. */
  disregardWrites() {
    this.#wrote = false
  }

  savepoint() {
    this.#connection.exec("SAVEPOINT call")
  }
  releaseSavepoint() {
    this.#connection.exec("RELEASE call")
  }
  rollbackToSavepoint() {
    this.#connection.exec("ROLLBACK TO call; RELEASE call")
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (this.#statements.size >= statementsMax) this.#statements.clear()
    const statement = this.#connection.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

const stored = (parameter: Parameter): SQLInputValue =>
  typeof parameter === "boolean" ? (parameter ? 1 : 0) : parameter

/**
 * The condition for rows of a versioned table: those that hold now, or those that held at an event.
 * Event ids are integers by the time they come here, so they may stand in the text.
 */
export const atEvent = (event: number | null, table?: string): string => {
  const prefix = table === undefined ? "" : `${table}.`
  if (event === null) return `${prefix}revoke_event IS NULL`
  const id = Math.trunc(event)
  return `(${prefix}create_event <= ${id} AND (${prefix}revoke_event IS NULL OR ${id} < ${prefix}revoke_event))`
}

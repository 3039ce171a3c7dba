/**
 * Why a login by Kerberos did not succeed, in words that say what to do.
 *
 * GSSAPI has two numbers for everything that can go wrong, and the one that tells the causes apart comes out of no
 * program as a number; so here, and only here, a message of a library's is read: MIT's, in English.
 */
export interface KerberosTrouble {
  /** Whether it may be over in a while. */
  readonly outlook: "pass" | "refused"
  readonly message: string
}

export interface KerberosFacts {
  readonly principal: string
  readonly keytab: string
  readonly cache: string
  /** What to do when nobody knows the principal: where it is from depends on who runs this. */
  readonly ifUnknown: string
  /** The hub's, to which a key must belong. */
  readonly host: string
}

/** What is known of the cause, from what the library said; undefined when it said nothing that is known. */
export const kerberosTrouble = (said: string, facts: KerberosFacts): KerberosTrouble | undefined => {
  const found = troubles.find(([words]) => words.test(said))
  if (found === undefined) return undefined
  const [, outlook, advice] = found
  return { outlook, message: `${advice(facts)} (${said})` }
}

const noTicket = /ticket expired|credentials? (have |has )?expired|no (kerberos )?credentials|no credentials cache/i

/** The same for the tickets of whoever runs this. */
export const ticketTrouble = (said: string, host: string): KerberosTrouble | undefined =>
  noTicket.test(said)
    ? { outlook: "refused", message: `there is no Kerberos ticket of yours, or it has expired: run kinit (${said})` }
    : kerberosTrouble(said, { ...yours, host })

const yours = {
  ...{ principal: "you", keytab: "your keytab", cache: "your ticket cache" },
  ifUnknown: "run kinit, or give --keytab and --principal"
}

type Trouble = readonly [said: RegExp, outlook: KerberosTrouble["outlook"], advice: (facts: KerberosFacts) => string]

const troubles: ReadonlyArray<Trouble> = [
  [
    /clock skew/i,
    "refused",
    () => "this machine's clock and the Kerberos server's are too far apart: set the time, and keep it with chrony"
  ],
  [
    /cannot (contact|find) (any )?KDC|cannot resolve (network address|servers) for KDC/i,
    "pass",
    () => "no Kerberos server can be reached: look at the realm in krb5.conf, and at the network"
  ],
  [
    /server .*not found in kerberos database|server not found/i,
    "refused",
    ({ host }) =>
      `Kerberos knows no service HTTP/${host}: set server to the name that the hub's web server has a key for`
  ],
  [
    /client .*not found in kerberos database/i,
    "refused",
    ({ principal, ifUnknown }) => `Kerberos does not know ${principal}: ${ifUnknown}`
  ],
  [
    /preauthentication failed|decrypt integrity|password incorrect|no suitable keys/i,
    "refused",
    ({ principal, keytab }) => `the key in ${keytab} is not that of ${principal} any more: get a new keytab`
  ],
  [
    /client's (entry|credentials).*(expired|revoked|locked)|credentials have been revoked/i,
    "refused",
    ({ principal }) => `Kerberos has locked ${principal}: ask its administrators`
  ],
  [
    /ticket expired|credentials? (have |has )?expired/i,
    "refused",
    ({ cache }) => `the ticket in ${cache} has expired, and there is no keytab to get another with`
  ],
  [
    /no (kerberos )?credentials|can't find client principal|no credentials cache/i,
    "refused",
    ({ principal, keytab, cache }) => `neither ${keytab} nor ${cache} has anything to log ${principal} in with`
  ]
]

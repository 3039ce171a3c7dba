/**
 * Channels that a stock hub has for task types which nothing here runs (tasks.md 1.1): a host of ours in one of them
 * refuses every task of it.
 */
export const otherChannels: ReadonlyMap<string, string> = new Map([
  ["maven", "Maven builds"],
  ["image", "disk images"],
  ["appliance", "appliances"],
  ["livecd", "live CDs"],
  ["livemedia", "live media"],
  ["runroot", "commands in a buildroot"],
  ["vm", "Windows builds in virtual machines"]
])

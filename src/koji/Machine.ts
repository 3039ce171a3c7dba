/** Machines, which everybody calls by another name: the kernel's is the one that Koji and rpm go by. */

const kernelNames: ReadonlyMap<string, string> = new Map([
  ["amd64", "x86_64"],
  ["x64", "x86_64"],
  ["arm64", "aarch64"],
  ["386", "i386"],
  ["ia32", "i386"]
])

/** The kernel's name of a machine that an engine or Node has named. */
export const kernelArch = (name: string): string => kernelNames.get(name) ?? name

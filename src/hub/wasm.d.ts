/** WebAssembly, as far as `Adler32Kernel.ts` needs it: Node's own types have nothing of it. */
declare namespace WebAssembly {
  class Memory {
    constructor(pages: { readonly initial: number })
    readonly buffer: ArrayBuffer
  }
  class Module {
    constructor(program: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: { readonly "": { readonly memory: Memory } })
    readonly exports: { addUp(at: number, end: number): void }
  }
}

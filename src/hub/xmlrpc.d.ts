/** The parts of the `xmlrpc` package that are used; it has no types for them. */
declare module "xmlrpc/lib/serializer.js" {
  const serializer: {
    serializeMethodCall(method: string, params: ReadonlyArray<unknown>): string
    serializeMethodResponse(result: unknown): string
    serializeFault(fault: unknown): string
  }
  export default serializer
}
declare module "xmlrpc/lib/customtype.js" {
  export default class CustomType {
    constructor(raw: string)
    tagName: string
  }
}

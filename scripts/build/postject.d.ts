// postject comes without types.
declare module 'postject' {
  interface Options {
    readonly sentinelFuse: string;
  }
  /** Adds the resource to the executable in place. */
  function inject(file: string, resourceName: string, resource: Buffer, options: Options): Promise<void>;
  export default { inject };
}

// The version of this build, from package.json: esbuild writes it in when it bundles. Run from source there is none.

declare const BUILD_VERSION: string | undefined;

/** `0.1.0`, for example; `development` when the program runs from its sources. */
export const version: string = typeof BUILD_VERSION === 'string' ? BUILD_VERSION : 'development';

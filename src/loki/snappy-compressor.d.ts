// The part of snappyjs that compresses into memory of the caller's, which its types leave out.
declare module 'snappyjs/snappy_compressor.js' {
  export class SnappyCompressor {
    constructor(uncompressed: Buffer);
    /** Writes a sixth more than it is given at most, and 32 bytes. @returns how many bytes the block has */
    compressToBuffer(target: Buffer): number;
  }
}

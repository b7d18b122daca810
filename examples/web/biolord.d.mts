/** Gives a file of a folder. */
export type Read = (name: string) => Promise<Uint8Array>;

export interface Options {
  /** What computes: WebAssembly, or a graphics card. wasm, if nothing is said. */
  provider?: 'wasm' | 'webgpu';
  /** The first artifact of a page decides. If nothing is said: as many as there are, 4 at most, and 1 where the page isn't isolated. */
  threads?: number;
}

export interface Model {
  /** Return the unit vector of a text. */
  embed(text: string): Promise<Float32Array>;
  /** Return the token ids of a text, cut to what the model reads. */
  encode(text: string): Promise<number[]>;
  readonly dim: number;
  readonly name: string;
  readonly provider: 'wasm' | 'webgpu';
  readonly threads: number;
  /** Of the artifact: an index says of which one its vectors are. */
  readonly fingerprint: string;
}

/** Load an artifact of the target portable-int8 or portable-fp32. */
export function load(read: Read, options?: Options): Promise<Model>;

/** Return what reads the files of a folder beside the page. */
export function reader(folder: string): Read;

/** Return the options that the query of a page's address names, such as ?provider=webgpu or ?threads=1. */
export function chosen(query: string): Options;

/** Return the cosine of two unit vectors. */
export function cosine(a: Float32Array, b: Float32Array): number;

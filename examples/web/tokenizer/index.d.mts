/** What a manifest.json says of its tokenizer. */
export interface Manifest {
  files: { name: string }[];
  max_length: { value: number };
  truncation_side?: 'left' | 'right';
}

export interface Tokenizer {
  /** Return the ids of a text, cut to what the model reads, between the special ones. */
  encode(text: string): Promise<number[]>;
}

/** Load the tokenizer of an artifact. */
export function loadTokenizer(read: (name: string) => Promise<Uint8Array>, manifest: Manifest): Promise<Tokenizer>;

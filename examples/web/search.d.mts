import type { Read } from './biolord.mjs';

export interface Hit {
  code: string | null;
  name: string;
  score: number;
  row: number;
  /** Whether the name equals the query. */
  exact: boolean;
  /** The row's values in the columns that were kept. */
  kept: Record<string, string>;
}

export interface SearchOptions {
  /** How many hits, 10 if nothing is said. */
  top?: number;
  /** Only rows with these values in kept columns. */
  where?: Record<string, string>;
  /** Several names of one code, too. */
  allNames?: boolean;
}

export interface Index {
  /** Return the hits of a query, best first: names that equal it, then the nearest. */
  search(query: Float32Array, text: string, options?: SearchOptions): Hit[];
  readonly rows: number;
  readonly columns: string[];
}

/** Open an index that `biolord index` made, with the fingerprint of the artifact that queries are embedded with. */
export function openIndex(read: Read, fingerprint: string): Promise<Index>;

/** Return a text without case, width and superfluous spaces, as the index compares names. */
export function normalizeName(text: string): string;

// An index that `biolord index` made, searched in JavaScript: the same hits, with the same scores, as `Index.search` gives.

const FORMAT = 1;
const PANEL_ROWS = 16;
const LOW_LEVELS = 65536;
const LANES = 16;
// Rounding of the sums that a row is judged by at first.
const SLACK = 1e-6;

const filled = (count, multiple) => Math.ceil(count / multiple) * multiple;
const decoder = new TextDecoder();

/** View bytes as numbers; those of Node's buffers may stand at any place. */
function numbers(bytes, Kind) {
  const aligned = bytes.byteOffset % Kind.BYTES_PER_ELEMENT ? new Uint8Array(bytes) : bytes;
  return new Kind(aligned.buffer, aligned.byteOffset, aligned.byteLength / Kind.BYTES_PER_ELEMENT);
}

/** Return a text without case, width and superfluous spaces, as the index compares names. */
export function normalizeName(text) {
  // Upper case first: it takes apart what folding does, such as the German sharp s.
  return text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').trim().split(/\s+/u).join(' ');
}

/** Read a table of texts. */
async function readStrings(file, name) {
  const [texts, offsets] = await Promise.all([file(`${name}.texts`), file(`${name}.offsets`)]);
  const starts = numbers(offsets, Uint32Array);
  return (at) => decoder.decode(texts.subarray(starts[at], starts[at + 1]));
}

/** Read a column: the number of each row's value, and the values. */
async function readColumn(file, name) {
  const [values, rows] = await Promise.all([readStrings(file, name), file(`${name}.numbers`)]);
  return { values, rows: numbers(rows, Int32Array) };
}

async function readVectors(file, { dim, rescore }) {
  const names = rescore ? ['high', 'figures', 'low'] : ['high', 'figures'];
  const [high, figures, low] = await Promise.all(names.map(file));
  const steps = numbers(figures, Float32Array);
  return {
    dim,
    wide: filled(dim, 64),
    high: numbers(high, Int8Array),
    low: low && numbers(low, Int16Array),
    steps,
    errors: low && steps.subarray((2 * steps.length) / 3),
  };
}

/** Return the cosine of each row to a query by the high 8 bits alone. */
function approximate(vectors, query, rows) {
  const { high, steps, wide } = vectors;
  const padded = new Float32Array(wide);
  padded.set(query);
  const found = new Float64Array(rows);
  const sums = new Float64Array(PANEL_ROWS);
  for (let first = 0, at = 0; first < rows; first += PANEL_ROWS) {
    sums.fill(0);
    for (let from = 0; from < wide; from += 4) {
      const [a, b, c, d] = padded.subarray(from, from + 4);
      for (let row = 0; row < PANEL_ROWS; row++, at += 4) {
        sums[row] += high[at] * a + high[at + 1] * b + high[at + 2] * c + high[at + 3] * d;
      }
    }
    for (let row = first; row < Math.min(first + PANEL_ROWS, rows); row++) {
      found[row] = sums[row - first] * steps[row] * LOW_LEVELS;
    }
  }
  return found;
}

/** Add sums of every sixteenth number in the one order that there is. */
function folded(sums) {
  for (let half = LANES / 2; half >= 1; half /= 2) for (let at = 0; at < half; at++) sums[at] += sums[at + half];
  return sums[0];
}

/** Return a query at length 1, rounded as Index.search rounds it. */
function atLengthOne(query) {
  const sums = new Float64Array(LANES);
  query.forEach((number, at) => (sums[at % LANES] += number * number));
  const length = Math.sqrt(folded(sums));
  return Float32Array.from(query, (number) => number / length);
}

/** Return the cosine of a row to a query, with the bits that Index.search gives: products are exact, their order is one. */
function exactly(vectors, query, row) {
  const { dim, wide, high, low, steps } = vectors;
  const panel = Math.floor(row / PANEL_ROWS) * PANEL_ROWS * wide + (row % PANEL_ROWS) * 4;
  const sums = new Float64Array(LANES);
  for (let at = 0; at < dim; at++) {
    const whole = high[panel + (at >> 2) * PANEL_ROWS * 4 + (at & 3)] * LOW_LEVELS + (low ? low[row * dim + at] : 0);
    sums[at % LANES] += whole * query[at];
  }
  return Math.fround(folded(sums) * steps[row]);
}

/** Return the rows among which the nearest are: no other row can be one of them, whatever its low bits are. */
function candidates(vectors, query, rows, top, counts, groupOf) {
  const near = approximate(vectors, query, rows.total);
  const error = (row) => (vectors.errors ? vectors.errors[row] : 0) + SLACK;
  const best = new Map();
  for (let row = 0; row < rows.total; row++) {
    if (counts(row)) best.set(groupOf(row), Math.max(best.get(groupOf(row)) ?? -2, near[row] - error(row)));
  }
  const least = [...best.values()].sort((a, b) => b - a)[top - 1] ?? -2;
  const found = [];
  for (let row = 0; row < rows.total; row++) if (counts(row) && near[row] + error(row) >= least) found.push(row);
  return found;
}

/**
 * Open an index.
 *
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the index's folder.
 * @param {string} fingerprint of the artifact that queries are embedded with.
 * @returns {Promise<{search: Function, rows: number, columns: string[]}>}
 */
export async function openIndex(read, fingerprint) {
  const manifest = JSON.parse(decoder.decode(await read('manifest.json')));
  if (manifest.kind !== 'biolord index' || manifest.format !== FORMAT) {
    throw new Error(`the index has format ${manifest.format}, expected ${FORMAT}: build it again with biolord index`);
  }
  const { artifact, counts } = manifest;
  if (artifact.fingerprint !== fingerprint) {
    throw new Error(`the index holds vectors of ${artifact.name} (${artifact.fingerprint}), queries are of ${fingerprint}`);
  }
  const file = (name) => read(`${manifest.data}/${name}`);
  const [vectors, names, codes, ...kept] = await Promise.all([
    readVectors(file, manifest),
    readStrings(file, 'names'),
    counts.codes === null ? null : readColumn(file, 'codes'),
    ...manifest.columns.map((_, number) => readColumn(file, `column${number}`)),
  ]);
  const columns = manifest.columns.map(({ name }) => name);
  const equal = new Map();
  for (let row = 0; row < counts.rows; row++) {
    const name = normalizeName(names(row));
    if (!equal.has(name)) equal.set(name, []);
    equal.get(name).push(row);
  }

  function hit(row, score, exact) {
    const values = columns.map((name, at) => [name, kept[at].values(kept[at].rows[row])]);
    return { code: codes && codes.values(codes.rows[row]), name: names(row), score, row, exact, kept: Object.fromEntries(values) };
  }

  /** Return the hits of a query, best first: names that equal it, then the nearest. */
  function search(query, text, { top = 10, where = {}, allNames = false } = {}) {
    const vector = atLengthOne(query);
    const tests = Object.entries(where).map(([name, value]) => [kept[columns.indexOf(name)], value]);
    const mayCount = (row) => tests.every(([column, value]) => column.values(column.rows[row]) === value);
    const groupOf = allNames || codes === null ? (row) => row : (row) => codes.rows[row];
    const exact = new Set((equal.get(normalizeName(text)) ?? []).filter(mayCount));
    const rows = new Set([...candidates(vectors, vector, { total: counts.rows }, top, mayCount, groupOf), ...exact]);
    const ranked = Array.from(rows, (row) => ({ row, score: exactly(vectors, vector, row), exact: exact.has(row) }));
    ranked.sort((a, b) => b.exact - a.exact || b.score - a.score || a.row - b.row);
    const shown = new Map();
    for (const one of ranked) if (!shown.has(groupOf(one.row))) shown.set(groupOf(one.row), one);
    return [...shown.values()].slice(0, top).map((one) => hit(one.row, one.score, one.exact));
  }

  return { search, rows: counts.rows, columns };
}

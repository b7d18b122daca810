// Unigram over pieces.bin: a word is cut into its likeliest pieces (the Viterbi algorithm), as biolord_onnx.tokenizer.unigram does.

const MAGIC = 'BIOPIECE';
const ALIGNMENT = 8;
// Below the least likely piece: any piece beats what has none.
const UNKNOWN_PENALTY = 10;
const REMEMBERED_WORDS = 16384;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** Read pieces.bin: its header, and its four arrays, each at a multiple of 8 bytes. */
export function openPieces(stored) {
  const bytes = stored.byteOffset % ALIGNMENT ? new Uint8Array(stored) : stored;
  const decoder = new TextDecoder();
  if (decoder.decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw new Error('pieces.bin is no table of pieces');
  let place = MAGIC.length + 8;
  const stop = place + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(MAGIC.length, true));
  const header = JSON.parse(decoder.decode(bytes.subarray(place, stop)));
  place = stop;
  const array = (Kind, count) => {
    const begin = Math.ceil(place / ALIGNMENT) * ALIGNMENT;
    place = begin + count * Kind.BYTES_PER_ELEMENT;
    return new Kind(bytes.buffer, bytes.byteOffset + begin, count);
  };
  const scores = array(header.score_bytes === 4 ? Float32Array : Float64Array, header.pieces);
  const starts = array(Uint32Array, header.pieces + 1);
  const slots = array(Uint32Array, 2 ** Math.ceil(Math.log2(2 * header.pieces)));
  return { header, scores, starts, slots, text: array(Uint8Array, header.text_bytes) };
}

/** Return the function that gives the ids of a word, and the one that gives the id of a piece. */
export function unigram({ header, scores, starts, slots, text }) {
  const encoder = new TextEncoder();
  const mask = slots.length - 1;
  const unknownScore = scores.reduce((least, score) => Math.min(least, score)) - UNKNOWN_PENALTY;
  const remembered = new Map();

  /** Return the id of the piece at some bytes of a word, whose CRC-32 is known; -1 if there is none. */
  function find(word, begin, stop, crc) {
    for (let tries = 0, slot = crc & mask; tries <= mask && slots[slot]; tries++, slot = (slot + 1) & mask) {
      const id = slots[slot] - 1;
      const shift = starts[id] - begin;
      if (starts[id + 1] - starts[id] !== stop - begin) continue;
      let at = begin;
      while (at < stop && text[at + shift] === word[at]) at++;
      if (at === stop) return id;
    }
    return -1;
  }

  /** Find, for each byte of a word that a character ends at, where the last piece of the best way to it begins. */
  function bestWays(word, ends) {
    const best = new Float64Array(word.length + 1).fill(-Infinity);
    const begins = new Uint32Array(word.length + 1);
    const pieces = new Int32Array(word.length + 1);
    best[0] = 0;
    for (let first = 0; first < ends.length - 1; first++) {
      const begin = ends[first];
      for (let last = first + 1, at = begin, crc = -1; last < Math.min(ends.length, first + header.longest + 1); last++) {
        for (; at < ends[last]; at++) crc = CRC[(crc ^ word[at]) & 255] ^ (crc >>> 8);
        const id = find(word, begin, at, ~crc);
        if (id < 0 && last > first + 1) continue;
        const way = best[begin] + (id < 0 ? unknownScore : scores[id]);
        if (way > best[at]) [best[at], begins[at], pieces[at]] = [way, begin, id < 0 ? header.unknown : id];
      }
    }
    return { begins, pieces };
  }

  function search(text) {
    const word = encoder.encode(text);
    const ends = [0];
    for (let at = 1; at <= word.length; at++) if (at === word.length || (word[at] & 0xc0) !== 0x80) ends.push(at);
    const { begins, pieces } = bestWays(word, ends);
    const ids = [];
    for (let stop = word.length; stop > 0; stop = begins[stop]) {
      // Neighboring characters without a piece are one unknown token.
      if (pieces[stop] !== header.unknown || ids.at(-1) !== header.unknown) ids.push(pieces[stop]);
    }
    return ids.reverse();
  }

  function cut(word) {
    const known = remembered.get(word);
    if (known) return known;
    if (remembered.size === REMEMBERED_WORDS) remembered.clear();
    const ids = search(word);
    remembered.set(word, ids);
    return ids;
  }

  function idOf(piece) {
    const bytes = encoder.encode(piece);
    const id = find(bytes, 0, bytes.length, ~bytes.reduce((crc, byte) => CRC[(crc ^ byte) & 255] ^ (crc >>> 8), -1));
    return id < 0 ? undefined : id;
  }

  return { cut, idOf };
}

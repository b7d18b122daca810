// sentencepiece's compiled rules of normalization, applied as the tokenizers library applies them.
//
// The format: the size of a trie in bytes, the trie in units of 32 bits, then the replacements, each ended by a 0 byte.

// UTF-8 bytes of a cluster of characters that is looked up as a whole.
const LONGEST_CLUSTER = 5;
const LEAF = 1 << 8;
const LABEL = 0x800000ff | 0;

const offsetOf = (unit) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);

/** Return the function that applies rules, given in base 64. */
export function charsmap(base64) {
  const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const size = new DataView(data.buffer).getUint32(0, true);
  const units = new Int32Array(data.buffer.slice(4, 4 + size));
  const replacements = data.subarray(4 + size);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' });

  /** Return what replaces a text: the shortest rule that it begins with decides, as in the library. */
  function replacement(bytes) {
    let place = offsetOf(units[0]);
    for (const byte of bytes) {
      place ^= byte;
      const unit = units[place];
      if (byte === 0 || (unit & LABEL) !== byte) return undefined;
      place ^= offsetOf(unit);
      if (unit & LEAF) return textAt(units[place] & 0x7fffffff);
    }
    return undefined;
  }

  const textAt = (begin) => decoder.decode(replacements.subarray(begin, replacements.indexOf(0, begin)));
  const replaced = (text) => replacement(encoder.encode(text)) ?? text;

  function normalizedCluster(cluster) {
    const bytes = encoder.encode(cluster);
    const whole = bytes.length <= LONGEST_CLUSTER ? replacement(bytes) : undefined;
    return whole ?? Array.from(cluster, replaced).join('');
  }

  return (text) => Array.from(clusters.segment(text), ({ segment }) => normalizedCluster(segment)).join('');
}

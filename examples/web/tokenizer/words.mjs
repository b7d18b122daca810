// How normalized texts are cut into words: a row per kind that a tokenizer.json names.
import { escaped, known } from './normalizers.mjs';
import { WORDS } from './unicode.mjs';

const BYTE_WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const spaced = (text) => text.split(/\p{White_Space}+/u).filter((word) => word !== '');

const SPLITS = {
  BertPreTokenizer: () => (text) => spaced(text).flatMap((word) => word.match(WORDS)),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Sequence: ({ pretokenizers }) => {
    const steps = pretokenizers.map(splitter);
    return (text, first) => steps.reduce((words, step) => words.flatMap((word, at) => step(word, first && at === 0)), [text]);
  },
  WhitespaceSplit: () => spaced,
};

/** Return the function that cuts a text, the first of a whole one or not, into words. */
export function splitter(part) {
  if (!part) return (text) => [text];
  return known(SPLITS, part.type, 'pre_tokenizer')(part);
}

function metaspace({ replacement, prepend_scheme: stated, add_prefix_space: prefixes, split = true }) {
  const scheme = stated ?? (prefixes === false ? 'never' : 'always');
  const ahead = new RegExp(`(?=${escaped(replacement)})`, 'u');
  return (text, first) => {
    const marked = text.replaceAll(' ', replacement);
    const bare = marked.startsWith(replacement) || scheme === 'never' || (scheme === 'first' && !first);
    const word = bare ? marked : replacement + marked;
    return split ? word.split(ahead) : [word];
  };
}

/** Cut as GPT-2 does, and write each byte as a character that can be seen. */
function byteLevel({ add_prefix_space: prefixes, use_regex: cuts = true }) {
  const encoder = new TextEncoder();
  const seen = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  const characters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(seen(byte) ? byte : next++));
  return (text) => {
    const whole = prefixes && !text.startsWith(' ') ? ` ${text}` : text;
    const words = cuts ? (whole.match(BYTE_WORDS) ?? []) : [whole];
    return words.map((word) => Array.from(encoder.encode(word), (byte) => characters[byte]).join(''));
  };
}

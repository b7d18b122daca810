// How texts are normalized before they are cut into words: a row per kind that a tokenizer.json names.
import { charsmap } from './charsmap.mjs';
import { cleaned, ideographsApart, lowerCase, normalForm, withoutAccents } from './unicode.mjs';

const NORMALIZERS = {
  BertNormalizer: bert,
  Lowercase: () => lowerCase,
  NFC: () => (text) => normalForm(text, 'NFC'),
  NFD: () => (text) => normalForm(text, 'NFD'),
  NFKC: () => (text) => normalForm(text, 'NFKC'),
  NFKD: () => (text) => normalForm(text, 'NFKD'),
  Precompiled: (part) => charsmap(part.precompiled_charsmap),
  Prepend: ({ prepend }) => (text) => (text === '' ? text : prepend + text),
  Replace: ({ pattern, content }) => (text) => text.replace(expression(pattern), () => content),
  Sequence: ({ normalizers }) => inTurn(normalizers.map(normalizer)),
  Strip: strip,
};

/** Return the function that a part of a tokenizer.json stands for. */
export function normalizer(part) {
  if (!part) return (text) => text;
  return known(NORMALIZERS, part.type, 'normalizer')(part);
}

/** Return a row; what isn't one would give other ids. */
export function known(rows, type, role) {
  if (Object.hasOwn(rows, type)) return rows[type];
  throw new Error(`the tokenizer's ${role} is ${type}, this page knows ${Object.keys(rows).join(', ')}: use biolord-onnx`);
}

const inTurn = (steps) => (text) => steps.reduce((changed, step) => step(changed), text);

function bert({ clean_text: clean, handle_chinese_chars: chinese, strip_accents: strips, lowercase }) {
  return inTurn([
    ...(clean ? [cleaned] : []),
    ...(chinese ? [ideographsApart] : []),
    ...((strips ?? lowercase) ? [withoutAccents] : []),
    ...(lowercase ? [lowerCase] : []),
  ]);
}

function strip({ strip_left: left, strip_right: right }) {
  const ends = [...(left ? ['^\\p{White_Space}+'] : []), ...(right ? ['\\p{White_Space}+$'] : [])];
  const pattern = new RegExp(ends.join('|') || '(?!)', 'gu');
  return (text) => text.replace(pattern, '');
}

function expression({ String: text, Regex: regex }) {
  if (text !== undefined) return new RegExp(escaped(text), 'gu');
  const plain = regex.replaceAll('\\s', '\\p{White_Space}');
  if (/\\(?!p\{White_Space\})/.test(plain)) throw new Error(`the tokenizer replaces ${regex}: use biolord-onnx`);
  return new RegExp(plain, 'gu');
}

/** Return an expression that matches a text. */
export const escaped = (text) => text.replace(/[$()*+.?[\\\]^{|}/]/g, '\\$&');

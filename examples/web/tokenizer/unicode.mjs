// Characters as the tokenizers library takes them. Its tables are older than those of browsers, which differ by their age, too.

// What Unicode has got since its version 8, and what lies between: there it's no mark, no punctuation and no control character,
// and nothing of it decomposes. Only its tables of normal forms know the marks of version 9.
const NEWER = classOf(`
  61d 7fd 890-8e2 9fd-9fe a76 afa-aff b55 c04-c3c c77 c84 d00 d3b-d3c d81 eba ece 180f-1886 1abf-1aeb 1b4e-1b4f 1b7d-1b7f
  1df6-1dfb 2e43-2e5d 32ff a7f1-a7f4 a82c a8c5 a8ff a9bd ab69 105c9-107ba 10d24-10f89 11070-11074 110c2-110cd 111cf
  1123e-11241 1133b 11383-1145e 11660-1166c 116b9 1182f-11fff 12ff1-1612f 16d68-16f4f 16fe2-16fe4 1ccd6-1cf46 1e000-1e6f5
  1e944-1e95f 1f16c 1fbf0-1fbf9`);
const NINTH = classOf('8d4-8e1 1dfb 11442 11446 11c3f 1e000-1e02a 1e944-1e94a');
const KNOWN = new RegExp(`(?:[^${NEWER}\\u1715\\u{16ff0}\\u{16ff1}]|[${NINTH}])+`, 'gu');
// Three that have become something else, and ASCII symbols, which BERT takes for punctuation.
const MARKS = new RegExp(`[\\u1734\\u{1171e}]|(?![${NEWER}\\u{111c9}])\\p{Mn}`, 'gu');
const PUNCTUATION = `[\\u166d\\u{111c9}$+<=>^\`|~]|(?![${NEWER}])\\p{P}`;
const CONTROLS = new RegExp(`[\\0\\ufffd]|(?![${NEWER}\\t\\n\\r])[\\p{Cc}\\p{Cf}\\p{Co}]`, 'gu');
const IDEOGRAPHS = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** Matches a punctuation mark, or what stands between two. */
export const WORDS = new RegExp(`${PUNCTUATION}|(?:(?!${PUNCTUATION})[^])+`, 'gu');

function classOf(ranges) {
  const bounds = (range) => range.split('-').map((code) => `\\u{${code}}`).join('-');
  return ranges.trim().split(/\s+/).map(bounds).join('');
}

/** Return a text in a normal form: NFC, NFD, NFKC or NFKD. */
export const normalForm = (text, form) => text.replace(KNOWN, (known) => known.normalize(form));

/** Return a text in lower case, each character by itself: a sigma is never a final one. */
export const lowerCase = (text) => text.replaceAll('Σ', 'σ').toLowerCase();

/** Return a text without accents, decomposed. */
export const withoutAccents = (text) => normalForm(text, 'NFD').replace(MARKS, '');

/** Return a text without control characters, its spaces of all kinds as plain ones. */
export const cleaned = (text) => text.replace(CONTROLS, '').replace(/\p{White_Space}/gu, ' ');

/** Return a text with spaces around each ideograph. */
export const ideographsApart = (text) => text.replace(IDEOGRAPHS, ' $& ');

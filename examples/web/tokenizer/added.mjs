// Tokens such as <mask> that are found in a text before anything else happens to it.
import { escaped } from './normalizers.mjs';

const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const WORD_BEHIND = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const SPACE = /\p{White_Space}/u;

/**
 * Return the function that takes a text apart, into ids and normalized texts between them.
 *
 * Some tokens are looked for in the text as it is, others once it is normalized.
 */
export function addedTokens(tokens, normalize, idOf) {
  const known = tokens.map((token) => ({ ...token, id: idOf(token.content) ?? token.id }));
  const asIs = finder(known.filter(({ normalized }) => !normalized), (content) => content);
  const normal = finder(known.filter(({ normalized }) => normalized), normalize);
  return (text) =>
    asIs(text, true).flatMap((part) => (part.text === undefined ? [part] : normal(normalize(part.text), part.first)));
}

function finder(tokens, written) {
  const found = new Map(tokens.map((token) => [written(token.content), token]).filter(([content]) => content !== ''));
  if (found.size === 0) return (text, first) => (text === '' ? [] : [{ text, first }]);
  // Of those that begin at a place the longest counts.
  const longestFirst = [...found.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escaped).join('|'), 'gu');
  return (text, first) => {
    const parts = [];
    let behind = 0;
    const upTo = (stop) => {
      if (behind < stop) parts.push({ text: text.slice(behind, stop), first: first && behind === 0 });
    };
    for (const { 0: content, index } of text.matchAll(pattern)) {
      const token = found.get(content);
      let [start, stop] = [index, index + content.length];
      if (token.single_word && insideWord(text, start, stop)) continue;
      while (token.lstrip && start > behind && SPACE.test(text[start - 1])) start--;
      while (token.rstrip && stop < text.length && SPACE.test(text[stop])) stop++;
      upTo(start);
      parts.push({ id: token.id });
      behind = stop;
    }
    upTo(text.length);
    return parts;
  };
}

const insideWord = (text, start, stop) =>
  WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) || WORD_BEHIND.test(text.slice(stop, stop + 2));

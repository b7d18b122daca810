// Byte-pair encoding: neighboring pieces of a word are merged, the pair that was learned first before all others.

/** Return the function that gives the ids of a word, and the one that gives the id of a piece. */
export function bytePairs(model) {
  if (model.byte_fallback || model.continuing_subword_prefix || model.end_of_word_suffix) {
    throw new Error("the tokenizer's BPE has fallbacks, prefixes or suffixes, which this page doesn't know: use biolord-onnx");
  }
  const vocabulary = new Map(Object.entries(model.vocab));
  const pairs = model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
  const ranks = new Map(pairs.map((pair, rank) => [pair, rank]));
  const unknown = vocabulary.get(model.unk_token);
  const rank = (pieces, at) => ranks.get(`${pieces[at]} ${pieces[at + 1]}`) ?? Infinity;

  function merged(word) {
    const pieces = Array.from(word);
    for (;;) {
      let first = 0;
      for (let at = 1; at < pieces.length - 1; at++) if (rank(pieces, at) < rank(pieces, first)) first = at;
      if (rank(pieces, first) === Infinity) return pieces;
      pieces.splice(first, 2, pieces[first] + pieces[first + 1]);
    }
  }

  function cut(word) {
    if (model.ignore_merges && vocabulary.has(word)) return [vocabulary.get(word)];
    const ids = merged(word).map((piece) => vocabulary.get(piece) ?? unknown);
    return ids.filter((id, at) => id !== undefined && !(model.fuse_unk && id === unknown && ids[at - 1] === unknown));
  }

  return { cut, idOf: (piece) => vocabulary.get(piece) };
}

// WordPiece: a word is cut into the longest pieces from its beginning.

/** Return the function that gives the ids of a word, and the one that gives the id of a piece. */
export function wordPiece(model) {
  const { unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most } = model;
  const vocabulary = new Map(Object.entries(model.vocab));
  const longest = Math.max(...Array.from(vocabulary.keys(), (piece) => piece.length));

  function cut(word) {
    if (word.length > most && Array.from(word).length > most) return [vocabulary.get(unknown)];
    const ids = [];
    for (let start = 0, stop; start < word.length; start = stop) {
      let id;
      for (stop = Math.min(word.length, start + longest); stop > start; stop--) {
        id = vocabulary.get((start === 0 ? '' : prefix) + word.slice(start, stop));
        if (id !== undefined) break;
      }
      if (id === undefined) return [vocabulary.get(unknown)];
      ids.push(id);
    }
    return ids;
  }

  return { cut, idOf: (piece) => vocabulary.get(piece) };
}

// From texts to token ids: those that biolord-onnx gives, of an artifact's own tokenizer.
import { addedTokens } from './added.mjs';
import { bytePairs } from './bpe.mjs';
import { known, normalizer } from './normalizers.mjs';
import { openPieces, unigram } from './unigram.mjs';
import { wordPiece } from './wordpiece.mjs';
import { splitter } from './words.mjs';

const PIECES = 'pieces.bin';
const MODELS = { BPE: bytePairs, WordPiece: wordPiece };

const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/**
 * Load the tokenizer of an artifact. Where there is a pieces.bin, tokenizer.json is read once a text spells a special token out.
 *
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the artifact's folder.
 * @param {object} manifest of the artifact.
 */
export async function loadTokenizer(read, manifest) {
  const pieces = manifest.files.some(({ name }) => name === PIECES) ? openPieces(await read(PIECES)) : null;
  const wholeFile = async () => parse(await read('tokenizer.json'));
  const file = pieces ? JSON.parse(pieces.header.frame) : await wholeFile();
  const { cut, idOf } = pieces ? unigram(pieces) : known(MODELS, file.model.type, 'model')(file.model);
  const { prefix, suffix } = pieces ? pieces.header : frameOf(file.post_processor);
  const [normalize, split] = [normalizer(file.normalizer), splitter(file.pre_tokenizer)];
  const room = manifest.max_length.value - prefix.length - suffix.length;
  let takeApart = pieces ? null : addedTokens(file.added_tokens, normalize, idOf);

  const spellsOut = (text, normal) => pieces.header.reserved.some((token) => text.includes(token) || normal.includes(token));

  async function partsOf(text) {
    if (!takeApart) {
      const normal = normalize(text);
      if (!spellsOut(text, normal)) return normal === '' ? [] : [{ text: normal, first: true }];
      takeApart = addedTokens((await wholeFile()).added_tokens, normalize, idOf);
    }
    return takeApart(text);
  }

  /** Return the ids of a text, cut to what the model reads, between the special ones. */
  async function encode(text) {
    if (!text.isWellFormed()) throw new Error('the text has a lone surrogate: decode the original bytes as UTF-8');
    const parts = await partsOf(text);
    const ids = parts.flatMap((part) => (part.text === undefined ? [part.id] : split(part.text, part.first).flatMap(cut)));
    const start = manifest.truncation_side === 'left' ? Math.max(0, ids.length - room) : 0;
    return [...prefix, ...ids.slice(start, start + room), ...suffix];
  }

  return { encode };
}

/** Return the special ids in front of a text and behind it. */
function frameOf(part) {
  const rows = {
    BertProcessing: ({ cls, sep }) => ({ prefix: [cls[1]], suffix: [sep[1]] }),
    RobertaProcessing: ({ cls, sep }) => ({ prefix: [cls[1]], suffix: [sep[1]] }),
    TemplateProcessing: ({ single, special_tokens: specials }) => {
      const text = single.findIndex((piece) => piece.Sequence);
      const ids = (some) => some.flatMap((piece) => specials[piece.SpecialToken.id].ids);
      return { prefix: ids(single.slice(0, text)), suffix: ids(single.slice(text + 1)) };
    },
  };
  return known(rows, part?.type, 'post_processor')(part);
}

// A portable artifact in JavaScript: the same file serves Node and the browser.

const DATA = 'model.onnx.data';

/**
 * Load an artifact of the target portable-int8 or portable-fp32.
 *
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the artifact's folder.
 * @param {object} ort the module onnxruntime-web.
 * @param {Function} Tokenizer of the module @huggingface/tokenizers.
 * @returns {Promise<{embed: Function, encode: Function, dim: number, name: string, fingerprint: string}>}
 */
export async function load(read, ort, Tokenizer) {
  const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
  const stated = await read('manifest.json');
  const manifest = parse(stated);
  if (!manifest.target.startsWith('portable')) {
    throw new Error(`the artifact is ${manifest.target}, which needs onnxruntime's own operators: export portable-int8`);
  }
  const prompts = manifest.prompts ?? { texts: {}, default: null, pooled: true };
  if (!prompts.pooled || manifest.truncation_side === 'left') {
    throw new Error(`${manifest.name} leaves prompts out of its pooling, or cuts beginnings off: only biolord-onnx does so`);
  }
  const prompt = prompts.texts[prompts.default] ?? '';
  const tokenizer = new Tokenizer(parse(await read('tokenizer.json')), {});
  const session = await ort.InferenceSession.create(await read('model.onnx'), {
    executionProviders: ['wasm'],
    externalData: [{ path: DATA, data: await read(DATA) }],
  });
  const limit = manifest.max_length.value;

  /** Return the token ids of a text behind the checkpoint's default prompt, if it has one, cut to what the model reads; the last is the closing special token. */
  function encode(text) {
    const { ids } = tokenizer.encode(prompt + text);
    return ids.length <= limit ? ids : [...ids.slice(0, limit - 1), ids.at(-1)];
  }

  /** Return the unit vector of a text, a Float32Array. */
  async function embed(text) {
    const ids = encode(text);
    const shape = [1, ids.length];
    const feeds = {
      input_ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
    };
    const { unit_embedding: unit } = await session.run(feeds, ['unit_embedding']);
    return unit.data.slice();
  }

  return { embed, encode, dim: manifest.dim, name: manifest.name, fingerprint: await sha256(stated) };
}

/** Return the SHA-256 of bytes in hexadecimal digits. Browsers compute it for pages of https:// and of localhost. */
async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Return what reads the files of a folder beside the page. */
export function reader(folder) {
  return async (name) => {
    const answer = await fetch(`${folder}/${name}`);
    if (!answer.ok) throw new Error(`${folder}/${name}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/** Return the cosine of two unit vectors. */
export function cosine(a, b) {
  return a.reduce((sum, value, index) => sum + value * b[index], 0);
}

// A portable artifact in JavaScript: the same file serves Node and the browser.
import { loadTokenizer } from './tokenizer/index.mjs';

const FORMAT = 2;
const DATA = 'model.onnx.data';
// What onnxruntime-web computes with. On a graphics card it leaves the 8-bit rounding to the CPU: each layer's data would go there and back.
const PROVIDERS = {
  wasm: { module: () => import('onnxruntime-web/wasm'), targets: ['portable-int8', 'portable-fp32'] },
  webgpu: { module: () => import('onnxruntime-web/webgpu'), targets: ['portable-fp32'] },
};
const ERRORS_ONLY = 3;
// As onnxruntime-web itself: one text is too little work for more.
const MOST_THREADS = 4;

/**
 * Load an artifact of the target portable-int8 or portable-fp32.
 *
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the artifact's folder.
 * @param {object} options: `provider`, wasm or webgpu; `threads`, of which the first artifact of a page decides: as many as
 *     there are, four at most, and one where the page isn't isolated.
 * @returns {Promise<{embed: Function, encode: Function, dim: number, name: string, threads: number, fingerprint: string}>}
 */
export async function load(read, { provider = 'wasm', threads = mostThreads() } = {}) {
  const stated = await read('manifest.json');
  const manifest = JSON.parse(new TextDecoder().decode(stated));
  check(manifest, provider, threads);
  const checked = checkedReader(read, manifest.files);
  const { ort, session } = await openSession(checked, provider, threads);
  const tokenizer = await loadTokenizer(checked, manifest);
  const prompt = manifest.prompts?.texts[manifest.prompts.default] ?? '';

  /** Return the token ids of a text behind the checkpoint's default prompt, if it has one, cut to what the model reads. */
  const encode = (text) => tokenizer.encode(prompt + text);

  /** Return the unit vector of a text, a Float32Array. */
  async function embed(text) {
    const ids = await encode(text);
    const shape = [1, ids.length];
    const feeds = {
      input_ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
    };
    const { unit_embedding: unit } = await session.run(feeds, ['unit_embedding']);
    return unit.data.slice();
  }

  const { dim, name } = manifest;
  return { embed, encode, dim, name, provider, threads, fingerprint: await sha256(stated) };
}

/** Refuse what would give other vectors than biolord-onnx, or be something else than was asked for. */
function check({ format, target, name, prompts }, provider, threads) {
  const targets = PROVIDERS[provider]?.targets;
  if (format !== FORMAT) throw new Error(`the artifact has format ${format}, expected ${FORMAT}: export it again`);
  if (!target.startsWith('portable')) {
    throw new Error(`the artifact is ${target}, which needs operators that browsers lack: export portable-int8`);
  }
  if (prompts && !prompts.pooled) throw new Error(`${name} leaves prompts out of its pooling: only biolord-onnx does so`);
  if (!targets) throw new Error(`the provider is ${provider}, expected ${Object.keys(PROVIDERS).join(' or ')}`);
  if (!targets.includes(target)) throw new Error(`${provider} takes ${targets.join(', ')}, the artifact is ${target}: use wasm`);
  if (!Number.isInteger(threads) || threads < 1) throw new Error(`threads is ${threads}, expected 1 or more`);
  if (threads > 1 && globalThis.crossOriginIsolated === false) {
    throw new Error(`${threads} threads need a page that is cross-origin isolated: have its server send the headers of serve.mjs`);
  }
}

/** Return how many threads a page has use for: one, if it isn't isolated from others. */
function mostThreads() {
  return globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
}

async function openSession(read, provider, threads) {
  if (provider === 'webgpu' && !(await globalThis.navigator?.gpu?.requestAdapter())) {
    throw new Error('webgpu finds no graphics card for this browser: use wasm');
  }
  const decided = (PROVIDERS[provider].threads ??= threads);
  if (decided !== threads) throw new Error(`the page has ${decided} threads since its first artifact, not ${threads}: load it again`);
  const ort = await PROVIDERS[provider].module();
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(await read('model.onnx'), {
    executionProviders: [provider],
    logSeverityLevel: ERRORS_ONLY,
    externalData: [{ path: DATA, data: await read(DATA) }],
  });
  return { ort, session };
}

/** Return what reads the files that a manifest lists, and refuses others than those. */
function checkedReader(read, files) {
  return async (name) => {
    const [bytes, file] = [await read(name), files.find((one) => one.name === name)];
    const found = await sha256(bytes);
    if (found !== file?.sha256) throw new Error(`${name} has SHA-256 ${found}, manifest.json says ${file?.sha256}: export again`);
    return bytes;
  };
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

/** Return the options that the query of a page's address names, such as ?provider=webgpu or ?threads=1. */
export function chosen(query) {
  const stated = Object.fromEntries(new URLSearchParams(query));
  return stated.threads ? { ...stated, threads: Number(stated.threads) } : stated;
}

/** Return the cosine of two unit vectors. */
export function cosine(a, b) {
  return a.reduce((sum, value, index) => sum + value * b[index], 0);
}

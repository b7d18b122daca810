// What a user of the web example's package may write; it prints what it found out.
import { cosine, load, type Model } from 'biolord-onnx-web';
import { normalizeName, openIndex, type Hit } from 'biolord-onnx-web/search';
import { loadTokenizer } from 'biolord-onnx-web/tokenizer';

const files: Record<string, string> = { 'manifest.json': '{"format": 1}' };
const read = async (name: string): Promise<Uint8Array> => new TextEncoder().encode(files[name]);
export async function found(folder: (name: string) => Promise<Uint8Array>): Promise<Hit[]> {
  const model: Model = await load(folder, { provider: 'webgpu', threads: 2 });
  const index = await openIndex(folder, model.fingerprint);
  return index.search(await model.embed('fever'), 'fever', { top: 3, where: { kind: 'sign' } });
}
export const ids = async (): Promise<number[]> =>
  (await loadTokenizer(read, { files: [], max_length: { value: 8 } })).encode('fever');
// @ts-expect-error there is no such provider
export const refused = (): Promise<Model> => load(read, { provider: 'cuda' });
declare const console: { log(...words: unknown[]): void };
const told = await load(read).then(() => 'loaded', (error: Error) => error.message);
console.log(cosine(Float32Array.of(1), Float32Array.of(1)), normalizeName(' STRASSE '));
console.log(told);

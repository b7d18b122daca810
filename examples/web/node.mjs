// node node.mjs ARTIFACT TEXT…: prints a line of JSON a text, as `biolord embed ARTIFACT TEXT… --normalize` does.
import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import * as ort from 'onnxruntime-web';
import { load } from './biolord.mjs';

const [folder, ...texts] = process.argv.slice(2);
if (folder === undefined || texts.length === 0) {
  console.error('usage: node node.mjs ARTIFACT TEXT…');
  process.exit(2);
}
ort.env.wasm.numThreads = 1;
const model = await load((name) => readFile(`${folder}/${name}`), ort, Tokenizer);
for (const text of texts) {
  const embedding = Array.from(await model.embed(text));
  console.log(JSON.stringify({ text, ids: model.encode(text), embedding }));
}

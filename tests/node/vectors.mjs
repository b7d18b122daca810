// node vectors.mjs REQUEST.json: run an artifact's graph over token ids in WebAssembly, one text at a time.
//
// The request: `folder` (with model.onnx and model.onnx.data), `texts` (a list of lists of token ids). On stdout: the
// unit vectors, as a JSON list of lists.
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web';

const DATA = 'model.onnx.data';

async function vector(session, ids) {
  const shape = [1, ids.length];
  const { unit_embedding: unit } = await session.run(
    {
      input_ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
    },
    ['unit_embedding'],
  );
  return Array.from(unit.data);
}

const { folder, texts } = JSON.parse(await readFile(process.argv[2], 'utf8'));
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(await readFile(`${folder}/model.onnx`), {
  executionProviders: ['wasm'],
  externalData: [{ path: DATA, data: await readFile(`${folder}/${DATA}`) }],
});
const vectors = [];
for (const ids of texts) vectors.push(await vector(session, ids));
process.stdout.write(JSON.stringify(vectors));

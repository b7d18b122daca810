// node search.mjs REQUEST.json: search an index as the web example does, with vectors that are given.
//
// The request: `example` (its folder), `index` (a folder), `fingerprint` (of the artifact), `searches` (a list of `vector`,
// `text` and `options`). On stdout: the hits of each, as JSON.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const request = JSON.parse(await readFile(process.argv[2], 'utf8'));
const { openIndex } = await import(pathToFileURL(`${request.example}/search.mjs`));
const index = await openIndex((name) => readFile(`${request.index}/${name}`), request.fingerprint);
const found = request.searches.map(({ vector, text, options }) => index.search(Float32Array.from(vector), text, options));
process.stdout.write(JSON.stringify(found));

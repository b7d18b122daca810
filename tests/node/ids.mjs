// node ids.mjs REQUEST.json: cut texts into token ids as the web example does.
//
// The request: `example` (its folder), `folder` (of the tokenizer), `manifest` (what one says of it), `texts`. On stdout: the ids
// of each text, as JSON.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const request = JSON.parse(await readFile(process.argv[2], 'utf8'));
const { loadTokenizer } = await import(pathToFileURL(`${request.example}/tokenizer/index.mjs`));
const tokenizer = await loadTokenizer((name) => readFile(`${request.folder}/${name}`), request.manifest);
const found = [];
for (const text of request.texts) found.push(await tokenizer.encode(text));
process.stdout.write(JSON.stringify(found));

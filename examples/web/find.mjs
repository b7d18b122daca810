// node find.mjs ARTIFACT INDEX QUERY…: prints a line of JSON a query, its hits as `biolord search --json` gives them.
import { readFile } from 'node:fs/promises';
import { load } from './biolord.mjs';
import { openIndex } from './search.mjs';

const [artifact, folder, ...queries] = process.argv.slice(2);
if (folder === undefined || queries.length === 0) {
  console.error('usage: node find.mjs ARTIFACT INDEX QUERY…');
  process.exit(2);
}
const model = await load((name) => readFile(`${artifact}/${name}`));
const index = await openIndex((name) => readFile(`${folder}/${name}`), model.fingerprint);
for (const query of queries) console.log(JSON.stringify(index.search(await model.embed(query), query)));

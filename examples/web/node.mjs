// node node.mjs ARTIFACT TEXT…: prints a line of JSON a text, as `biolord embed ARTIFACT TEXT… --normalize` does.
import { readFile } from 'node:fs/promises';
import { load } from './biolord.mjs';

const [folder, ...texts] = process.argv.slice(2);
if (folder === undefined || texts.length === 0) {
  console.error('usage: node node.mjs ARTIFACT TEXT…');
  process.exit(2);
}
const model = await load((name) => readFile(`${folder}/${name}`));
for (const text of texts) {
  const embedding = Array.from(await model.embed(text));
  console.log(JSON.stringify({ text, ids: await model.encode(text), embedding }));
}

// node serve.mjs [PORT] [FOLDER]: serves a folder to this machine alone, with the two headers that isolate its pages from others.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const [port = '8000', folder = '.'] = process.argv.slice(2);
const root = await realpath(folder);

/** Return a file that an address names: of this folder, or of what is linked into it by name. */
async function find(address) {
  const path = join(root, decodeURIComponent(new URL(address, 'http://localhost').pathname));
  if (path !== root && !path.startsWith(root + sep)) throw new Error('outside of the folder');
  for (const file of [path, `${path}.html`, join(path, 'index.html')]) {
    const found = await stat(file).catch(() => null);
    if (found?.isFile()) return { file, size: found.size };
  }
  throw new Error('no such file');
}

const server = createServer(async ({ url }, response) => {
  try {
    const { file, size } = await find(url);
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { ...ISOLATED, 'Content-Type': type, 'Content-Length': size, 'Cache-Control': 'no-cache' });
    await pipeline(createReadStream(file), response);
  } catch (error) {
    if (!response.headersSent) response.writeHead(404, ISOLATED);
    response.end(`${error.message}\n`);
  }
});
server.listen(Number(port), 'localhost', () => console.log(`http://localhost:${server.address().port}`));

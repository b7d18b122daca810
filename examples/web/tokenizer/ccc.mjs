
import {normalForm} from '/tmp/wt/browser/examples/web/tokenizer/unicode.mjs';
const o=[];for(let c=0;c<0x110000;c++){if(c>=0xd800&&c<0xe000)continue;const s=String.fromCodePoint(c);o.push([normalForm('a'+s+'\u0334','NFD'),normalForm('a\u0345'+s,'NFD')])}
process.stdout.write(JSON.stringify(o))
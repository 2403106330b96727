// Fails if what a browser loads at first is 100 kB or more, compressed: the page,
// what it names, and what those scripts import at once. Run after the build.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT = 100_000;
const dist = join(import.meta.dirname, "..", "dist");

/** The files of the first load, by their paths below dist. */
function firstLoad() {
  const found = new Set();
  const queue = ["index.html"];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    const text = readFileSync(join(dist, file), "utf8");
    if (file.endsWith(".html")) {
      for (const [, path] of text.matchAll(/(?:src|href)="\/?([^":]+)"/g)) if (existsSync(join(dist, path))) queue.push(path);
    } else if (file.endsWith(".js")) {
      // import"./x.js" and import{a}from"./x.js", but not import("./x.js"), which comes later.
      for (const [, path] of text.matchAll(/(?:\bfrom|\bimport)\s*"(\.[^"]+\.js)"/g)) queue.push(normalize(join(dirname(file), path)));
    }
  }
  return [...found].sort();
}

let total = 0;
for (const file of firstLoad()) {
  const size = gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
  total += size;
  console.log(`${String(size).padStart(8)}  ${file}`);
}
console.log(`${String(total).padStart(8)}  first load, compressed; below ${LIMIT} is allowed`);
if (total >= LIMIT) process.exit(1);

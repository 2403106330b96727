// Reads texts as the web client does, for Go's fuzz tests (shared/strict/readertest).
// Each line of the input is a kind, "json" or "message", and a text in base64. Each
// line of the output is "refused", or the value as JSON.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const lib = (name) => fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
const load = async (name) => (await runnerImport(lib(name), { configFile: false, logLevel: "error" })).module;

const { text } = await load("bytes");
const { parse } = await load("json");
const { readMessageClaims } = await load("names");
const readers = { json: parse, message: readMessageClaims };

function read(line) {
  const [kind, base64] = line.split(" ");
  const bytes = Buffer.from(base64, "base64");
  try {
    return JSON.stringify(readers[kind](text(bytes)));
  } catch {
    return "refused";
  }
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) console.log(read(line));

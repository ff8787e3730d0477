// What every driver in JavaScript needs; the same as harness.py.

import { readFileSync } from "node:fs";

export const URL_ = process.env.PARITY_URL;
export const KEY = process.env.PARITY_KEY;
export const MODEL = process.env.PARITY_MODEL;
export const LIMITED = process.env.PARITY_LIMITED;
export const UNKNOWN = "no-such-model";
export const SHARED = JSON.parse(readFileSync(process.env.PARITY_SHARED, "utf8"));
export const TOOL = SHARED.tool;
export const SCHEMA = SHARED.schema;

export const ask = (name) => `[[${name}]] ${SHARED.question}`;
export const parsed = (text) => (typeof text === "string" ? JSON.parse(text) : text);

function fault(error) {
  const status = error.status ?? error.statusCode ?? error.code;
  const words = process.env.PARITY_WORDS ? String(error.message).slice(0, 300) : undefined;
  return { error: error.constructor.name, status: Number.isInteger(status) ? status : undefined, words };
}

export async function all(iterable) {
  const found = [];
  for await (const each of iterable) found.push(each);
  return found;
}

// A promise of a client that never settles would end Node without a word.
const unsettled = () =>
  new Promise((_, reject) => setTimeout(() => reject(new Error("never settled")), 20_000));

export async function run(cases) {
  const results = {};
  const only = (process.env.PARITY_CASES ?? "").split(" ").filter(Boolean);
  for (const [name, made] of Object.entries(cases)) {
    if (only.length && !only.includes(name)) continue;
    try {
      results[name] = (await Promise.race([made(), unsettled()])) ?? null;
    } catch (error) {
      results[name] = fault(error);
    }
  }
  process.stdout.write("PARITY " + JSON.stringify(results) + "\n", () => process.exit(0));
}

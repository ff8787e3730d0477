// openai-node, Responses.

import OpenAI from "openai";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, ask, parsed, run } from "./harness.mjs";

const client = new OpenAI({ baseURL: `${URL_}/v1`, apiKey: KEY, maxRetries: 0 });
const tools = [{ type: "function", strict: true, ...TOOL }];
const asked = (name, more = {}, by = client) =>
  by.responses.create({ model: MODEL, input: ask(name), ...more });

function told(answer) {
  const calls = answer.output.filter((item) => item.type === "function_call");
  return {
    text: answer.output_text,
    tools: calls.map((c) => [c.call_id, c.name, parsed(c.arguments)]),
    kinds: answer.output.map((item) => item.type),
    finish: answer.status,
    usage: [answer.usage?.input_tokens, answer.usage?.output_tokens, answer.usage?.total_tokens],
  };
}

async function streamed(name, more = {}) {
  return told(await client.responses.stream({ model: MODEL, input: ask(name), ...more }).finalResponse());
}

run({
  text: async () => told(await asked("text")),
  text_streamed: () => streamed("text"),
  tools: async () => told(await asked("spoken_tools", { tools })),
  tools_streamed: () => streamed("tools", { tools }),
  loop: async () => {
    const first = await asked("tools", { tools });
    const results = first.output.map((c) => ({ type: "function_call_output", call_id: c.call_id, output: "21" }));
    const input = [{ role: "user", content: ask("tools") }, ...first.output, ...results];
    return told(await asked("tools", { tools, input }));
  },
  structured: async () => {
    const format = { type: "json_schema", name: "w", schema: SCHEMA, strict: true };
    return told(await asked("object", { text: { format } }));
  },
  thoughts_streamed: () => streamed("thoughts", { reasoning: { effort: "low", summary: "auto" } }),
  length: async () => told(await asked("length", { max_output_tokens: 16 })),
  wrong_key: () => asked("text", {}, client.withOptions({ apiKey: "sk-wrong" })),
  unknown_model: () => asked("text", { model: UNKNOWN }),
  limited: () => asked("text", { model: LIMITED }),
  too_long: () => asked("too_long"),
});

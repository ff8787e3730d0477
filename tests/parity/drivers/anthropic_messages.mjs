// @anthropic-ai/sdk.

import Anthropic from "@anthropic-ai/sdk";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, ask, run } from "./harness.mjs";

const client = new Anthropic({ baseURL: URL_, apiKey: KEY, maxRetries: 0 });
const tools = [{ name: TOOL.name, description: TOOL.description, input_schema: TOOL.parameters }];
const turns = (name) => [{ role: "user", content: ask(name) }];
const asked = (name, more = {}, by = client) =>
  by.messages.create({ model: MODEL, max_tokens: 2048, messages: turns(name), ...more });

function told(answer) {
  const of = (type) => answer.content.filter((block) => block.type === type);
  const { input_tokens, cache_read_input_tokens, output_tokens } = answer.usage;
  return {
    text: of("text").map((b) => b.text).join(""),
    tools: of("tool_use").map((b) => [b.id, b.name, b.input]),
    thought: of("thinking").map((b) => b.thinking).join(""),
    kinds: answer.content.map((b) => b.type),
    finish: answer.stop_reason,
    usage: [input_tokens, cache_read_input_tokens, output_tokens],
  };
}

async function streamed(name, more = {}) {
  const stream = client.messages.stream({ model: MODEL, max_tokens: 2048, messages: turns(name), ...more });
  return told(await stream.finalMessage());
}

const thinking = { type: "enabled", budget_tokens: 1024 };
run({
  text: async () => told(await asked("text")),
  text_streamed: () => streamed("text"),
  tools: async () => told(await asked("spoken_tools", { tools })),
  tools_streamed: () => streamed("tools", { tools }),
  loop: async () => {
    const first = await asked("tools", { tools });
    const results = first.content.map((b) => ({ type: "tool_result", tool_use_id: b.id, content: "21" }));
    const messages = [
      ...turns("tools"), { role: "assistant", content: first.content }, { role: "user", content: results },
    ];
    return told(await asked("tools", { tools, messages }));
  },
  structured: async () =>
    told(await asked("object", { output_config: { format: { type: "json_schema", schema: SCHEMA } } })),
  thoughts: async () => told(await asked("thoughts", { thinking })),
  thoughts_streamed: () => streamed("thoughts", { thinking }),
  refusal: async () => told(await asked("refusal")),
  length: async () => told(await asked("length", { max_tokens: 5 })),
  counted: async () =>
    typeof (await client.messages.countTokens({ model: MODEL, messages: turns("text") })).input_tokens,
  wrong_key: () => asked("text", {}, client.withOptions({ apiKey: "sk-wrong" })),
  unknown_model: () => asked("text", { model: UNKNOWN }),
  limited: () => asked("text", { model: LIMITED }),
  too_long: () => asked("too_long"),
});

// openai-node, chat completions and embeddings.

import OpenAI from "openai";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, all, ask, parsed, run } from "./harness.mjs";

const client = new OpenAI({ baseURL: `${URL_}/v1`, apiKey: KEY, maxRetries: 0 });
const tools = [{ type: "function", function: TOOL }];
const turns = (name) => [{ role: "user", content: ask(name) }];
const asked = (name, more = {}, by = client) =>
  by.chat.completions.create({ model: MODEL, messages: turns(name), ...more });

function told(answer) {
  const { message, finish_reason } = answer.choices[0];
  return {
    text: message.content,
    tools: (message.tool_calls ?? []).map((c) => [c.id, c.function.name, parsed(c.function.arguments)]),
    refusal: message.refusal,
    thought: message.reasoning_content,
    finish: finish_reason,
    usage: [answer.usage?.prompt_tokens, answer.usage?.completion_tokens, answer.usage?.total_tokens],
  };
}

async function streamed(name, more = {}) {
  const stream = client.chat.completions.stream({
    model: MODEL, messages: turns(name), stream_options: { include_usage: true }, ...more,
  });
  return told(await stream.finalChatCompletion());
}

run({
  text: async () => told(await asked("text")),
  text_streamed: () => streamed("text"),
  tools: async () => told(await asked("spoken_tools", { tools })),
  tools_streamed: () => streamed("tools", { tools }),
  loop: async () => {
    const first = (await asked("tools", { tools })).choices[0].message;
    const results = first.tool_calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: "21" }));
    return told(await asked("tools", { tools, messages: [...turns("tools"), first, ...results] }));
  },
  structured: async () => {
    const json_schema = { name: "w", schema: SCHEMA, strict: true };
    return told(await asked("object", { response_format: { type: "json_schema", json_schema } }));
  },
  thoughts_streamed: () => streamed("thoughts"),
  refusal: async () => told(await asked("refusal")),
  refusal_streamed: () => streamed("refusal"),
  length: async () => told(await asked("length", { max_completion_tokens: 5 })),
  embeddings: async () => {
    const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
    return { object: answer.data.map((e) => e.embedding), usage: answer.usage.total_tokens };
  },
  models: async () => (await all(client.models.list())).some((each) => each.id === MODEL),
  wrong_key: () => asked("text", {}, client.withOptions({ apiKey: "sk-wrong" })),
  unknown_model: () => asked("text", { model: UNKNOWN }),
  limited: () => asked("text", { model: LIMITED }),
  limited_streamed: async () => all(await asked("text", { model: LIMITED, stream: true })),
  too_long: () => asked("too_long"),
});

// Continue's adapters, as its extensions use them: chat, edit, autocomplete, embeddings; a model
// named as OpenAI's newest are goes to Responses.

import { constructLlmApi } from "@continuedev/openai-adapters";
import { KEY, LIMITED, MODEL, TOOL, UNKNOWN, URL_, all, ask, run } from "./harness.mjs";

const isAnthropic = process.env.PARITY_WAY === "anthropic";
const made = (apiKey) =>
  constructLlmApi({
    provider: isAnthropic ? "anthropic" : "openai", apiKey, apiBase: `${URL_}/v1/`,
    requestOptions: { timeout: 60 },
  });
const api = made(KEY);
const { signal } = new AbortController();
const tools = [{ type: "function", function: TOOL }];
const body = (name, more = {}) => ({
  model: MODEL, messages: [{ role: "user", content: ask(name) }], max_tokens: 999, ...more,
});
const asked = (name, more, by = api) => by.chatCompletionNonStream({ ...body(name, more), stream: false }, signal);

function told(answer) {
  const { message } = answer.choices[0];
  const calls = (message.tool_calls ?? []).map((c) => [c.id, c.function.name, JSON.parse(c.function.arguments)]);
  return { text: message.content, tools: calls, usage: answer.usage?.total_tokens };
}

async function streamed(name, more, call = "chatCompletionStream") {
  const chunks = await all(api[call]({ ...body(name, more), stream: true }, signal));
  const deltas = chunks.flatMap((c) => c.choices ?? []).map((c) => c.delta ?? {});
  const calls = {};
  for (const delta of deltas.flatMap((d) => d.tool_calls ?? [])) {
    const call = (calls[delta.index ?? 0] ??= ["", ""]);
    call[0] += delta.function?.name ?? "";
    call[1] += delta.function?.arguments ?? "";
  }
  return {
    text: deltas.map((d) => d.content ?? "").join(""),
    tools: Object.values(calls).map(([called, text]) => [called, JSON.parse(text)]),
    usage: chunks.map((c) => c.usage?.total_tokens).filter(Boolean),
  };
}

const cases = {
  text: async () => told(await asked("text")),
  text_streamed: () => streamed("text"),
  tools: async () => told(await asked("spoken_tools", { tools })),
  tools_streamed: () => streamed("tools", { tools }),
  wrong_key: () => asked("text", {}, made("sk-wrong")),
  unknown_model: () => asked("text", { model: UNKNOWN }),
  limited: () => asked("text", { model: LIMITED }),
  too_long: () => asked("too_long"),
};
if (!isAnthropic) {
  cases.responses_streamed = () => streamed("tools", { model: "gpt-5.1-codex", tools }, "responsesStream");
  cases.embeddings = async () =>
    (await api.embed({ model: "text-embedding-3-small", input: ["a", "b"] })).data.map((e) => e.embedding);
  cases.listed = async () => (await api.list()).some((each) => each.id === MODEL);
}
run(cases);

// LangChain.js, by PARITY_WAY: openai, anthropic.

import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, ask, run } from "./harness.mjs";

const isAnthropic = process.env.PARITY_WAY === "anthropic";
const model = (name = MODEL, apiKey = KEY) =>
  isAnthropic
    ? new ChatAnthropic({ model: name, apiKey, anthropicApiUrl: URL_, maxRetries: 0, maxTokens: 2048 })
    : new ChatOpenAI({ model: name, apiKey, configuration: { baseURL: `${URL_}/v1` }, maxRetries: 0 });
const tools = [{ type: "function", function: TOOL }];
const told = (answer) => ({
  text: answer.text,
  tools: answer.tool_calls.map((c) => [c.id, c.name, c.args]),
  usage: answer.usage_metadata && [
    answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens, answer.usage_metadata.total_tokens,
  ],
});

async function summed(stream) {
  let whole;
  for await (const chunk of stream) whole = whole ? whole.concat(chunk) : chunk;
  return told(whole);
}

run({
  text: async () => told(await model().invoke(ask("text"))),
  text_streamed: async () => summed(await model().stream(ask("text"))),
  tools: async () => told(await model().bindTools(tools).invoke(ask("spoken_tools"))),
  tools_streamed: async () => summed(await model().bindTools(tools).stream(ask("tools"))),
  loop: async () => {
    const bound = model().bindTools(tools);
    const asked = new HumanMessage(ask("tools"));
    const first = await bound.invoke([asked]);
    const results = first.tool_calls.map((c) => new ToolMessage({ content: "21", tool_call_id: c.id }));
    return told(await bound.invoke([asked, first, ...results]));
  },
  structured: () => model().withStructuredOutput({ title: "weather", ...SCHEMA }).invoke(ask("object")),
  embeddings: async () =>
    isAnthropic ||
    (await new OpenAIEmbeddings({
      model: "text-embedding-3-small", apiKey: KEY, configuration: { baseURL: `${URL_}/v1` },
    }).embedDocuments(["a", "b"])),
  wrong_key: () => model(MODEL, "sk-wrong").invoke(ask("text")),
  unknown_model: () => model(UNKNOWN).invoke(ask("text")),
  limited: () => model(LIMITED).invoke(ask("text")),
  too_long: () => model().invoke(ask("too_long")),
});

// AI SDK, by PARITY_WAY: openai, openai-compatible, anthropic, google, openrouter.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateObject, generateText, jsonSchema, stepCountIs, streamObject, streamText, tool } from "ai";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, all, ask, run } from "./harness.mjs";

const MAKERS = {
  openai: (apiKey) => createOpenAI({ baseURL: `${URL_}/v1`, apiKey }),
  "openai-compatible": (apiKey) =>
    createOpenAICompatible({ name: "it", baseURL: `${URL_}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true }),
  anthropic: (apiKey) => createAnthropic({ baseURL: `${URL_}/v1`, apiKey }),
  google: (apiKey) => createGoogleGenerativeAI({ baseURL: `${URL_}/v1beta`, apiKey }),
  openrouter: (apiKey) => createOpenRouter({ baseURL: `${URL_}/v1`, apiKey, compatibility: "strict" }),
};
const make = MAKERS[process.env.PARITY_WAY];
const model = (name = MODEL, key = KEY) => make(key)(name);
const declared = { description: TOOL.description, inputSchema: jsonSchema(TOOL.parameters) };
const tools = { get_weather: tool(declared) };
const working = { get_weather: tool({ ...declared, execute: async () => "21" }) };
const asked = (name, more = {}) =>
  generateText({ model: model(), prompt: ask(name), maxRetries: 0, ...more });

const used = (usage) => [usage.inputTokens, usage.outputTokens, usage.totalTokens, usage.cachedInputTokens, usage.reasoningTokens];
const told = async (result) => ({
  text: await result.text,
  tools: (await result.toolCalls).map((c) => [c.toolName, c.input]),
  thought: await result.reasoningText,
  finish: await result.finishReason,
  usage: used(await result.totalUsage ?? await result.usage),
});

async function streamed(name, more = {}) {
  let failed;
  const result = streamText({
    model: model(), prompt: ask(name), maxRetries: 0, onError: ({ error }) => { failed = error; }, ...more,
  });
  const kinds = new Set();
  for await (const part of result.fullStream) kinds.add(part.type);
  if (failed) throw failed;
  return { ...(await told(result)), kinds: [...kinds].sort() };
}

const thinking = {
  providerOptions: {
    openai: { reasoningSummary: "auto", forceReasoning: true },
    google: { thinkingConfig: { includeThoughts: true } },
  },
};

run({
  text: async () => told(await asked("text")),
  text_streamed: () => streamed("text"),
  tools: async () => told(await asked("spoken_tools", { tools })),
  tools_streamed: () => streamed("tools", { tools }),
  loop: async () => told(await asked("tools", { tools: working, stopWhen: stepCountIs(3) })),
  loop_streamed: () => streamed("tools", { tools: working, stopWhen: stepCountIs(3) }),
  structured: async () => {
    const { object, usage } = await generateObject({
      model: model(), prompt: ask("object"), schema: jsonSchema(SCHEMA), maxRetries: 0,
    });
    return { object, usage: used(usage) };
  },
  structured_streamed: async () =>
    (await all(streamObject({
      model: model(), prompt: ask("object"), schema: jsonSchema(SCHEMA), maxRetries: 0,
    }).partialObjectStream)).at(-1),
  thoughts: async () => told(await asked("thoughts", thinking)),
  thoughts_streamed: () => streamed("thoughts", thinking),
  refusal: async () => told(await asked("refusal")),
  length: async () => told(await asked("length", { maxOutputTokens: 16 })),
  wrong_key: () => asked("text", { model: model(MODEL, "sk-wrong") }),
  unknown_model: () => asked("text", { model: model(UNKNOWN) }),
  limited: () => asked("text", { model: model(LIMITED) }),
  limited_streamed: () => streamed("text", { model: model(LIMITED) }),
  too_long: () => asked("too_long"),
});

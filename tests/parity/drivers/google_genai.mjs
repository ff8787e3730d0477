// @google/genai.

import { GoogleGenAI } from "@google/genai";
import { KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL_, all, ask, run } from "./harness.mjs";

const made = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: URL_ } });
const client = made(KEY);
const declared = { name: TOOL.name, description: TOOL.description, parametersJsonSchema: TOOL.parameters };
const tools = [{ functionDeclarations: [declared] }];
const asked = (name, config = {}, more = {}, by = client) =>
  by.models.generateContent({ model: MODEL, contents: ask(name), config, ...more });

function told(answers) {
  const parts = answers.flatMap((a) => a.candidates?.[0]?.content?.parts ?? []);
  const last = answers.at(-1);
  const usage = last.usageMetadata ?? {};
  return {
    text: parts.filter((p) => p.text && !p.thought).map((p) => p.text).join(""),
    thought: parts.filter((p) => p.text && p.thought).map((p) => p.text).join(""),
    tools: parts.filter((p) => p.functionCall).map((p) => [p.functionCall.name, p.functionCall.args]),
    finish: last.candidates?.[0]?.finishReason,
    usage: [usage.promptTokenCount, usage.candidatesTokenCount, usage.totalTokenCount],
  };
}

async function streamed(name, config = {}) {
  const stream = await client.models.generateContentStream({ model: MODEL, contents: ask(name), config });
  return told(await all(stream));
}

const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
run({
  text: async () => told([await asked("text")]),
  text_streamed: () => streamed("text"),
  tools: async () => told([await asked("spoken_tools", { tools })]),
  tools_streamed: () => streamed("tools", { tools }),
  loop: async () => {
    const first = await asked("tools", { tools });
    const results = first.functionCalls.map((c) => ({
      functionResponse: { name: c.name, response: { celsius: 21 } },
    }));
    const contents = [
      { role: "user", parts: [{ text: ask("tools") }] },
      first.candidates[0].content,
      { role: "user", parts: results },
    ];
    return told([await asked("tools", { tools }, { contents })]);
  },
  structured: async () =>
    told([await asked("object", { responseMimeType: "application/json", responseJsonSchema: SCHEMA })]),
  thoughts_streamed: () => streamed("thoughts", { thinkingConfig }),
  counted: async () => typeof (await client.models.countTokens({ model: MODEL, contents: "a" })).totalTokens,
  wrong_key: () => asked("text", {}, {}, made("sk-wrong")),
  unknown_model: () => asked("text", {}, { model: UNKNOWN }),
  limited: () => asked("text", {}, { model: LIMITED }),
  too_long: () => asked("too_long"),
});

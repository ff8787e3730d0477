// Try a request: ask this router, see the answer, who gave it and what it cost; and how one's own client asks.

import { button, choose, element, facts, field, keyed, link, named, once, section, sentence, write } from "../elements.js";
import { ask as call, hasKey } from "../api.js";
import { millis, percent, usd } from "../words.js";

const KEY = "sk-ws-...";

export async function load({ get }) {
  const [models, cells] = await Promise.all([get("/v1/models"), get("/ui/api/cells")]);
  return { models: models.data.map((each) => each.id), tasks: [...new Set(Object.values(cells.routes).flat())] };
}

export function draw(place, { models, tasks }, ask) {
  const box = section(place, "try", "Try a request", "it is real: it is routed, billed and learnt from as any other");
  const form = once(box, "form", () => made(box, ask));
  choose(form.model, models, ask.args.get("route") ?? models[0]);
  keyed(form.tasks, tasks, (name) => new Option(name, name));
  snippets(box, form);
}

function made(box, ask) {
  const prompt = field("Message", { rows: 4, placeholder: "Say hello in three languages." }, "textarea");
  const model = field("Model", {}, "select");
  const task = field("Task", { list: "try-tasks", placeholder: "none named" });
  const send = element("button", "", "Send");
  const tasks = Object.assign(element("datalist"), { id: "try-tasks" });
  const form = element("form", "", prompt, element("div", "form", model, task, send), tasks);
  Object.assign(form, { prompt: prompt.input, model: model.input, task: task.input, tasks, send });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sent(box, form, ask);
  });
  form.addEventListener("input", () => snippets(box, form));
  form.prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  return form;
}

const asked = (form) => ({
  model: form.model.value || "auto",
  messages: [{ role: "user", content: form.prompt.value || form.prompt.placeholder }],
  ...(form.task.value ? { metadata: { task: form.task.value } } : {}),
});

async function sent(box, form, ask) {
  form.send.disabled = true;
  const answer = once(box, "answer", () => element("div", "answer"));
  box.insertBefore(answer, box.querySelector("[data-name=clients]"));
  answer.setAttribute("aria-live", "polite");
  sentence(answer, "text", "…");
  const began = performance.now();
  try {
    const found = await call("/v1/chat/completions", { method: "POST", body: asked(form), signal: ask.signal });
    answered(answer, await found.json(), found.headers, performance.now() - began);
  } catch (error) {
    if (error.name === "AbortError") return;
    answer.replaceChildren();
    sentence(answer, "text", error.message, "refused").setAttribute("role", "alert");
  } finally {
    form.send.disabled = false;
  }
}

function answered(place, body, headers, ms) {
  const said = (name) => headers.get(`x-windsock-${name}`);
  const decision = said("decision-id");
  place.replaceChildren();
  place.append(element("pre", "said", body.choices?.[0]?.message?.content ?? ""));
  place.firstChild.tabIndex = 0;
  facts(place, "facts", [
    ["Answered by", said("deployment") ? named(said("deployment")) : null],
    ["Its chance was", said("propensity") && percent(Number(said("propensity")))],
    ["Cost", usd(said("cost-usd") === null ? null : Number(said("cost-usd")))],
    ["Time", millis(ms)],
    ["Attempts", said("attempts")],
    ["Tokens", body.usage ? `${body.usage.prompt_tokens} in, ${body.usage.completion_tokens} out` : null],
    ["Why", decision ? link("decision", { id: decision }, "this decision, explained") : null],
  ]);
}

function snippets(box, form) {
  const part = once(box, "clients", () => element("div", "", element("h3", "", "From your own client"), tabs(form), element("pre", "", element("code"))));
  const [, bar, pre] = part.children;
  pre.tabIndex = 0;
  write(pre.firstChild, SNIPPETS[bar.chosen](asked(form), location.origin, hasKey()));
}

function tabs(form) {
  const bar = element("div", "tabs");
  bar.setAttribute("role", "tablist");
  bar.chosen = "curl";
  for (const name of Object.keys(SNIPPETS)) {
    const tab = button(name, () => {
      bar.chosen = name;
      mark(bar);
      form.dispatchEvent(new Event("input"));
    }, "plain");
    tab.setAttribute("role", "tab");
    bar.append(tab);
  }
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const all = [...bar.children];
    const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
    next.focus();
    next.click();
  });
  mark(bar);
  return bar;
}

function mark(bar) {
  for (const tab of bar.children) {
    tab.setAttribute("aria-selected", tab.textContent === bar.chosen);
    tab.tabIndex = tab.textContent === bar.chosen ? 0 : -1;
  }
}

const quoted = (value) => JSON.stringify(value);
const text = (body) => quoted(body.messages[0].content);
const shell = (value) => value.replaceAll("'", "'\\''");

const SNIPPETS = {
  curl: (body, here, isKeyed) => `curl ${here}/v1/chat/completions \\${isKeyed ? `
  -H 'authorization: Bearer ${KEY}' \\` : ""}
  -H 'content-type: application/json' \\
  -d '${shell(JSON.stringify(body, null, 2))}'`,
  "OpenAI, Python": (body, here) => `from openai import OpenAI

client = OpenAI(base_url="${here}/v1", api_key="${KEY}")
answer = client.chat.completions.create(
    model=${quoted(body.model)},
    messages=[{"role": "user", "content": ${text(body)}}],${body.metadata ? `\n    metadata={"task": ${quoted(body.metadata.task)}},` : ""}
)
print(answer.choices[0].message.content)`,
  "OpenAI, JavaScript": (body, here) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${here}/v1", apiKey: "${KEY}" });
const answer = await client.chat.completions.create({
  model: ${quoted(body.model)},
  messages: [{ role: "user", content: ${text(body)} }],${body.metadata ? `\n  metadata: { task: ${quoted(body.metadata.task)} },` : ""}
});
console.log(answer.choices[0].message.content);`,
  Anthropic: (body, here) => `from anthropic import Anthropic

client = Anthropic(base_url="${here}", api_key="${KEY}")
answer = client.messages.create(
    model=${quoted(body.model)},
    max_tokens=1024,
    messages=[{"role": "user", "content": ${text(body)}}],${body.metadata ? `\n    extra_headers={"x-windsock-task": ${quoted(body.metadata.task)}},` : ""}
)
print(answer.content[0].text)`,
  Gemini: (body, here) => `from google import genai

client = genai.Client(
    api_key="${KEY}",
    http_options={"base_url": "${here}"${body.metadata ? `, "headers": {"x-windsock-task": ${quoted(body.metadata.task)}}` : ""}},
)
answer = client.models.generate_content(model=${quoted(body.model)}, contents=${text(body)})
print(answer.text)`,
};

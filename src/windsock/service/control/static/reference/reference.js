// The API reference, from /openapi.json: every call with what it takes and answers, and a way to make it from here.

import { ask as call } from "../api.js";
import { element, field, once, section, write } from "../elements.js";

const DEEPEST = 5;
const METHODS = ["get", "post", "put", "patch", "delete"];

export async function load({ get }) {
  return get("/openapi.json");
}

export function draw(place, document, ask) {
  const box = section(place, "reference", "API reference", `${document.info.title} ${document.info.version}, OpenAPI ${document.openapi}`);
  const sought = once(box, "filter", () => {
    const input = Object.assign(element("input"), { type: "search", placeholder: "filter: a path, a word" });
    input.setAttribute("aria-label", "Filter calls");
    input.addEventListener("input", () => narrowed(place, input.value.toLowerCase()));
    return element("p", "filter", input);
  });
  const by = Map.groupBy ? Map.groupBy(calls(document), (each) => each.tag) : grouped(calls(document));
  for (const [tag, list] of by) {
    const part = section(place, `tag-${tag.replace(/\W/g, "-")}`, tag, "");
    once(part, "calls", () => element("div", "calls", ...list.map((each) => shown(each, document, ask))));
  }
  narrowed(place, sought.firstChild.value.toLowerCase());
}

function grouped(list) {
  const by = new Map();
  for (const each of list) by.set(each.tag, [...(by.get(each.tag) ?? []), each]);
  return by;
}

function calls({ paths }) {
  return Object.entries(paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => ({ path, method, tag: item[method].tags?.[0] ?? "other", ...item[method] })));
}

function narrowed(place, words) {
  for (const node of place.querySelectorAll(".call")) node.hidden = !node.dataset.words.includes(words);
  for (const part of place.querySelectorAll("section")) if (part.querySelector(".calls")) part.hidden = !part.querySelector(".call:not([hidden])");
}

/** What is inside is made when it is opened. */
function shown(each, document, ask) {
  const node = element("details", "call", element("summary", "", element("b", "method", each.method.toUpperCase()), element("code", "", each.path), element("span", "quiet", each.summary ?? "")));
  node.dataset.words = `${each.method} ${each.path} ${each.summary ?? ""} ${each.description ?? ""}`.toLowerCase();
  node.addEventListener("toggle", () => node.open && node.children.length === 1 && node.append(inside(each, document, ask)));
  return node;
}

function inside(each, document, ask) {
  const box = element("div", "inside");
  if (each.description) box.append(element("p", "", each.description));
  const body = each.requestBody?.content?.["application/json"]?.schema;
  if (each.parameters?.length) box.append(element("h3", "", "Parameters"), listed(each.parameters.map((one) => [one.name, one.schema, one.description, one.required])));
  if (body) box.append(element("h3", "", "Body"), tree(body, document, 0));
  box.append(element("h3", "", "Answers"));
  for (const [status, answer] of Object.entries(each.responses ?? {})) {
    const schema = answer.content?.["application/json"]?.schema;
    box.append(element("p", "answers", element("b", "", status), ` ${answer.description ?? ""}`));
    if (schema && Object.keys(schema).length && status.startsWith("2")) box.append(tree(schema, document, 0));
  }
  box.append(element("h3", "", "Try it"), tried(each, body, document, ask));
  return box;
}

function listed(rows) {
  return element("ul", "fields", ...rows.map(([name, schema, description, isRequired]) => element("li", "",
    element("code", "", name), element("span", "quiet", ` ${kind(schema)}${isRequired ? ", required" : ""}`), ...(description ? [element("span", "", ` ${description}`)] : []))));
}

function resolved(schema, document) {
  const name = schema?.$ref?.split("/").at(-1);
  return name ? document.components.schemas[name] : schema ?? {};
}

/** Fields of an object, what they hold beneath them. */
function tree(schema, document, depth) {
  const found = resolved(schema, document);
  const some = found.anyOf?.map((each) => resolved(each, document)).find((each) => each.properties) ?? found;
  const held = some.items ? resolved(some.items, document) : some;
  if (!held.properties || depth > DEEPEST) return element("p", "quiet", kind(found));
  return element("ul", "fields", ...Object.entries(held.properties).map(([name, one]) => {
    const item = element("li", "", element("code", "", name), element("span", "quiet", ` ${kind(one)}${held.required?.includes(name) ? ", required" : ""}`));
    const description = one.description ?? "";
    if (description) item.append(element("span", "", ` ${description}`));
    const inner = resolved(one.items ?? one.anyOf?.find((each) => each.$ref) ?? one.additionalProperties ?? one, document);
    if (inner?.properties) item.append(tree(inner, document, depth + 1));
    return item;
  }));
}

function kind(schema) {
  if (!schema) return "anything";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  const bounds = [["minimum", "≥"], ["exclusiveMinimum", ">"], ["maximum", "≤"], ["exclusiveMaximum", "<"], ["maxLength", "up to"]].filter(([name]) => name in schema).map(([name, sign]) => `${sign} ${schema[name]}`);
  const usual = schema.default === undefined || schema.default === null ? [] : [`default ${JSON.stringify(schema.default)}`];
  const type = schema.type === "array" ? `list of ${kind(schema.items)}` : schema.type ?? "anything";
  return [type, ...bounds, ...usual].join(", ");
}

/** An example of a schema: what it requires, and the first of what it may be. */
function example(schema, document, depth = 0) {
  const found = resolved(schema, document);
  if (found.default !== undefined && found.default !== null) return found.default;
  if (found.anyOf) return example(found.anyOf[0], document, depth);
  if (found.enum) return found.enum[0];
  if (found.type === "object" && depth < DEEPEST) return Object.fromEntries(Object.entries(found.properties ?? {}).filter(([name]) => found.required?.includes(name)).map(([name, one]) => [name, example(one, document, depth + 1)]));
  return { array: [], object: {}, number: found.minimum ?? 0, integer: found.minimum ?? 0, boolean: true, null: null }[found.type] ?? "";
}

function tried(each, body, document, ask) {
  const fields = (each.parameters ?? []).map((one) => [one, field(one.name, { placeholder: one.required ? "required" : "", autocomplete: "off" })]);
  const text = body ? field("Body", { rows: 6, spellcheck: "false" }, "textarea") : null;
  if (text) text.input.value = JSON.stringify(example(body, document), null, 2);
  const answer = element("pre", "said");
  answer.hidden = true;
  answer.tabIndex = 0;
  const form = element("form", "", element("div", "form", ...fields.map(([, node]) => node)), ...(text ? [text] : []), element("p", "form", element("button", "", "Send")), answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sent(each, fields, text, answer, ask);
  });
  return form;
}

async function sent(each, fields, text, answer, ask) {
  if (each.method !== "get" && !(await ask.confirmed(`Send ${each.method.toUpperCase()} ${each.path}? It is done for real.`, "Send"))) return;
  const query = new URLSearchParams();
  let path = each.path;
  for (const [{ name, in: where }, { input }] of fields) {
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value) query.set(name, input.value);
  }
  answer.hidden = false;
  write(answer, "…");
  try {
    const body = text ? JSON.parse(text.input.value) : undefined;
    const found = await call(path + (query.size ? `?${query}` : ""), { method: each.method.toUpperCase(), body, signal: ask.signal });
    write(answer, `${found.status}\n${told(await found.text(), found.headers.get("content-type") ?? "")}`);
  } catch (error) {
    if (error.name !== "AbortError") write(answer, `${error.status ?? ""} ${error.message}`.trim());
  }
}

const MOST_SHOWN = 20_000;

function told(text, type) {
  const whole = type.includes("json") && !type.includes("ndjson") ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return whole.length > MOST_SHOWN ? `${whole.slice(0, MOST_SHOWN)}\n… ${whole.length - MOST_SHOWN} characters more` : whole;
}

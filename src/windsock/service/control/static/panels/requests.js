// Requests as they come: newest first, filtered, each a step from its explanation. No texts: none are kept.

import { choose, element, field, once, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { when } from "../words.js";
import { ENDED, TASK, WHEN } from "./columns.js";

export const every = 3;

const FIELDS = { route: "Route", task: "Task", deployment: "Deployment", key: "Key" };
const LIMIT = 100;

export function load({ get, args, span }) {
  const asked = new URLSearchParams(span());
  asked.set("limit", LIMIT);
  for (const name of ["status", ...Object.keys(FIELDS)]) if (args.get(name)) asked.set(name, args.get(name));
  return get(`/v1/requests?${asked}`);
}

export function draw(place, { data, searched_since: since, is_whole: isWhole }, ask) {
  const box = section(place, "requests", "Requests", "newest first");
  const form = once(box, "form", () => made(ask));
  for (const [name, input] of Object.entries(form.inputs)) if (document.activeElement !== input) input.value = ask.args.get(name) ?? "";
  sentence(box, "whole", isWhole ? "" : data.length >= LIMIT ? `The newest ${LIMIT}; a narrower filter or time shows others.` : `Looked back to ${when(since)}; a narrower time looks further.`, "quiet");
  table(box, "rows", COLUMNS, data, {
    caption: "Requests, newest first", key: (row) => row.decision_id, none: "No such request in this time.", isFiltered: false,
    open: (row) => (location.hash = `#/decision?id=${row.decision_id}`), mark: (row) => (row.status === "failed" ? "bad" : ""),
  });
}

const COLUMNS = [WHEN, TASK, ...ENDED, { title: "Key", text: (row) => row.key }];

function made(ask) {
  const form = element("form", "form");
  const fields = Object.entries(FIELDS).map(([name, label]) => [name, field(label, { placeholder: "all", autocomplete: "off" })]);
  const status = field("Status", {}, "select");
  choose(status.input, ["", "ok", "failed", "open"], "");
  fields.push(["status", status]);
  form.inputs = Object.fromEntries(fields.map(([name, each]) => [name, each.input]));
  form.append(...fields.map(([, each]) => each));
  form.addEventListener("change", () => ask.change(Object.fromEntries(Object.entries(form.inputs).map(([name, input]) => [name, input.value.trim() || null]))));
  form.addEventListener("submit", (event) => event.preventDefault());
  return form;
}

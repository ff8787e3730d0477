// One decision, explained: who could have served, at what price and belief, which number fell, what came of it, what would have changed it.

import { element, facts, field, link, named, once, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { ago, dash, millis, percent, usd, when } from "../words.js";
import { BELIEF, DEPLOYMENT, LIMITS, RULED_OUT, WEIGHT } from "./columns.js";

const WRITTEN_MS = 700;

export async function load({ get, args }) {
  const id = args.get("id");
  return { id, found: id ? await soon(get, `/v1/decisions/${encodeURIComponent(id)}`) : null };
}

/** The ledger is written within half a second: one that was made just now is asked for again. */
async function soon(get, path) {
  try {
    return await get(path);
  } catch (error) {
    if (error.status !== 404) throw error;
    await new Promise((resolve) => setTimeout(resolve, WRITTEN_MS));
    return get(path);
  }
}

export function draw(place, { id, found }, ask) {
  const box = section(place, "search", "Decision", found ? id : "by its id: the answer's header x-windsock-decision-id, or the log's");
  const form = once(box, "form", () => searched(ask));
  form.input.value = id ?? "";
  if (!found) return sentence(box, "none", "Name one, or pick it from Requests.", "quiet");
  what(box, found);
  candidates(place, found);
  attempts(place, found);
  return feedback(place, found);
}

function searched(ask) {
  const by = field("Id", { size: 26, placeholder: "8f58a92853c3069b5e1cd0f6", autocomplete: "off", spellcheck: "false" });
  const form = element("form", "form", by, element("button", "", "Explain"));
  form.input = by.input;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask.change({ id: by.input.value.trim() || null });
  });
  return form;
}

function what(box, found) {
  const { table: then, draw: drawn } = found;
  sentence(box, "sentence", told(found));
  facts(box, "facts", [
    ["When", when(found.at)],
    ["Asked for", found.requested_model],
    ["Route and task", link("task", { route: found.route, task: found.task }, `${found.route} / ${found.task}${found.is_task_guessed ? " (guessed)" : ""}`)],
    ["Number that fell", `${drawn.u.toFixed(6)}, which gives ${drawn.gives ?? "nobody"}`],
    ["Decided by", then?.decided_by || then?.policy],
    ["A success was worth", usd(then?.value_usd)],
    ["Prompt", `${found.prompt_tokens.toLocaleString("en")} tokens`],
    ["Cost", usd(found.cost_usd)],
    ["Note", then?.note || null],
    ["Conversation", found.conversation ? `turn ${found.conversation.turn}, at home with ${found.conversation.home ?? "nobody"}` : "none"],
  ]);
}

function told(found) {
  const end = found.ok === undefined ? "It has not ended yet." : found.ok ? `${found.served} answered.` : "Nobody answered.";
  return `${found.deployment} was drawn with a chance of ${percent(found.propensity)}. ${end}`;
}

function candidates(place, { table: then, deployment, would_differ: margins }) {
  if (!then) return sentence(place, "gone", "The weights it was drawn from are no longer kept.", "quiet");
  const box = section(place, "candidates", "Candidates", "as they stood; V, the beliefs of all others and the prices being what they were");
  const by = Object.fromEntries(margins.map((each) => [each.deployment, each]));
  const columns = [
    DEPLOYMENT, WEIGHT, ...BELIEF,
    { title: "Price", unit: "in / out", isNumber: true, text: (row) => `${usd(row.price.input_usd_per_mtok)} / ${usd(row.price.output_usd_per_mtok)}`, value: (row) => row.price.input_usd_per_mtok },
    { title: "Price from", text: (row) => (row.price.feed ? `${row.price.feed}, ${ago(row.price.age_s)}` : null) },
    LIMITS,
    { title: "Would have led", text: (row) => element("span", "wraps", leading(by[row.deployment]) ?? dash) },
    { title: "Drawn by", text: (row) => span(by[row.deployment]?.draws) },
  ];
  table(box, "rows", columns, then.candidates, { caption: "Candidates of this decision", key: (row) => row.deployment, mark: (row) => (row.deployment === deployment ? "chosen" : "") });
  const out = Object.entries(then.ruled_out);
  if (!out.length) return null;
  return table(section(place, "out", "Ruled out"), "rows", RULED_OUT, out, { caption: "Deployments that could not serve", key: ([name]) => name });
}

function span(draws) {
  return draws ? element("span", "whole", `${draws[0].toFixed(4)} – ${draws[1].toFixed(4)}`) : "no number";
}

function leading(margin) {
  if (!margin) return null;
  if (margin.is_best) return "it did";
  const ways = [
    margin.leads_below_usd === null ? "" : `below ${usd(margin.leads_below_usd * 1000)} per 1k`,
    margin.leads_above === null ? "" : `from ${percent(margin.leads_above)} success on`,
  ].filter(Boolean);
  return ways.join(", or ") || "at no price or success alone";
}

function attempts(place, { attempts: calls }) {
  if (!calls) return;
  table(section(place, "attempts", "Calls"), "rows", [
    { title: "Deployment", text: (row) => named(row.deployment) },
    { title: "Why", text: (row) => row.reason },
    { title: "Came of it", text: (row) => row.kind + (row.status ? `, ${row.status}` : "") },
    { title: "Time", isNumber: true, text: (row) => millis(row.latency_s === null ? null : row.latency_s * 1000) },
    { title: "Counted", unit: "beside a bill", isNumber: true, text: (row) => usd(row.counted_usd) },
    { title: "Billed", isNumber: true, text: (row) => usd(row.billed_usd) + (row.is_bill_doubted ? ", doubted" : "") },
    { title: "Adapted", text: (row) => row.adapted.join(", ") || null },
  ], calls, { caption: "Calls of this request", key: (row) => String(calls.indexOf(row)) });
}

function feedback(place, { feedback: said }) {
  table(section(place, "feedback", "Judgements"), "rows", [
    { title: "When", text: (row) => when(row.at) },
    { title: "Value", isNumber: true, text: (row) => percent(row.value) },
    { title: "Source", text: (row) => row.source },
  ], said, { caption: "Judgements of this answer", key: (row) => `${row.at} ${row.source}`, none: "Nobody has judged its answer." });
}

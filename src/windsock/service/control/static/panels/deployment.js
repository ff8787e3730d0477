// Deployments: all of them, or one with its health, price over time, weights by task, and what it was paid.

import { facts, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { timeline } from "../timeline.js";
import { ago, millisPair, percent, told, usd, when } from "../words.js";
import { BELIEF, DEPLOYMENT, LIMITS, spent, TASK, WEIGHT } from "./columns.js";

export const every = 5;

export async function load({ get, args, range, span }) {
  const name = args.get("name");
  const all = (await get("/v1/deployments")).data;
  if (!name) return { all };
  const { since, until } = range();
  const one = `deployment=${encodeURIComponent(name)}`;
  const [prices, history, weights, report, events] = await Promise.all([
    get(`/v1/prices?${one}`), get(`/v1/prices/history?${one}${until ? `&until=${until}` : ""}`), get("/v1/weights"), get(`/v1/report?${span()}&by=task,deployment&sample=0&limit=100000`), get(`/v1/events?${one}&limit=200`),
  ]);
  return {
    name, health: all.find((each) => each.deployment === name), price: prices.data[0], history: history.data, since, until,
    others: weights.others, weights: weights.data.flatMap((cell) => cell.candidates.filter((each) => each.deployment === name).map((each) => ({ ...each, route: cell.route, task: cell.task }))),
    spent: report.data.filter((each) => each.deployment === name), events: events.data,
  };
}

export function draw(place, found, ask) {
  if (found.name) return one(place, found, ask);
  const box = section(place, "deployments", "Deployments", "all that this router knows");
  return table(box, "rows", ALL, found.all, { caption: "All deployments", key: (row) => row.deployment, mark: (row) => (row.why_out ? "bad" : ""), open: (row) => (location.hash = `#/deployment?name=${encodeURIComponent(row.deployment)}`) });
}

const ALL = [
  DEPLOYMENT,
  { title: "State", text: (row) => row.why_out ?? row.errors ?? "in use" },
  { title: "Provider says", text: (row) => row.reported },
  { title: "First byte", unit: "p50 / p95", isNumber: true, text: (row) => millisPair(row.p50_first_byte_ms, row.p95_first_byte_ms), value: (row) => row.p50_first_byte_ms },
  { title: "Calls", isNumber: true, text: (row) => (row.successes + row.failures).toLocaleString("en"), value: (row) => row.successes + row.failures },
  { title: "Answered", isNumber: true, text: (row) => percent(row.uptime), value: (row) => row.uptime },
];

function one(place, found, ask) {
  const { name, health, price } = found;
  const box = section(place, "one", name, price?.is_priced ? `price from ${price.feed}, ${ago(price.age_s)}` : "no price");
  facts(box, "facts", [
    ["State", health?.why_out ?? "in use"],
    ["Errors", health?.errors ?? "none rising"],
    ["Provider says", health?.reported],
    ["First byte, p50 / p95", millisPair(health?.p50_first_byte_ms, health?.p95_first_byte_ms)],
    ["Answered", health && health.uptime !== null ? `${percent(health.uptime)} of ${(health.successes + health.failures).toLocaleString("en")} calls` : null],
    ["Price, in / out", price?.is_priced ? `${usd(price.usd_per_mtok.input)} / ${usd(price.usd_per_mtok.output)} per 1M` : price?.reason],
    ["How sure", price?.is_provisional ? price.provisional_reason : price?.is_priced ? "confirmed" : null],
    ["Bills doubted", health?.bills_doubted ? String(health.bills_doubted) : "none"],
    ["Takes", Object.entries(health?.capabilities ?? {}).filter(([, has]) => has === true).map(([each]) => each.replace(/_/g, " ")).join(", ") || "not known"],
  ]);
  paid(place, found, ask);
  table(section(place, "cells", "Weight and belief", found.others ? `by task, now; ${found.others} tasks with less evidence are left out` : "by task, now"), "rows", [TASK, WEIGHT, ...BELIEF, LIMITS], found.weights, { caption: `Weights of ${name} by task`, key: (row) => `${row.route} ${row.task}`, none: "No task has it among its candidates just now." });
  table(section(place, "spent", "Requests", "in the chosen time"), "rows", [{ title: "Task", text: (row) => row.task }, ...spent()], found.spent, { caption: `Requests served by ${name}`, key: (row) => row.task, none: "It served nobody in this time." });
  table(section(place, "events", "Events"), "rows", [
    { title: "When", text: (row) => when(row.at), value: (row) => row.at },
    { title: "What", text: (row) => told(row)[0] },
    { title: "Detail", text: (row) => told(row)[1] },
  ], [...found.events].reverse(), { caption: `Events of ${name}`, key: (row) => `${row.at} ${row.event}` });
}

/** Every price since the chosen time, with the one that stood at its begin. */
function paid(place, { name, history, since, until }, ask) {
  const box = section(place, "paid", "Price over time", "$ per 1M tokens, as accepted");
  const last = until ?? Date.now() / 1000;
  const before = history.filter((each) => each.seen_at <= since).at(-1);
  const within = history.filter((each) => each.seen_at > since && each.seen_at <= last);
  const rows = [...(before ? [{ ...before, seen_at: since }] : []), ...within];
  if (!rows.length) return sentence(box, "none", "No price was accepted in this time.", "quiet");
  rows.push({ ...rows.at(-1), seen_at: last });
  sentence(box, "none", `${within.length || "No"} change${within.length === 1 ? "" : "s"}; the last on ${when(history.at(-1).seen_at)}.`);
  const meters = [...new Set(rows.flatMap((each) => Object.keys(each.usd_per_mtok)))];
  const series = Object.fromEntries(meters.map((meter) => [meter, rows.map((each) => each.usd_per_mtok[meter] ?? null)]));
  return timeline(box, "chart", rows.map((each) => each.seen_at), series, { caption: `Price of ${name} over time`, format: usd, zoom: ask.zoom });
}

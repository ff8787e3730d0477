// The overview: prices, weights and deployments as they are, from a stream.

import { hasKey, headers } from "../api.js";
import { write } from "../elements.js";
import { follow } from "../stream.js";
import { timeline } from "../timeline.js";
import { ago, clock, percent, replays, told, usd } from "../words.js";
import { deployments, events } from "./overview_lists.js";

const $ = (id) => document.getElementById(id);
const SUMMARY_EVERY_MS = 10_000;
const NEAR_S = 3;
const POINTS = 600;
const MARKED = { "price.shifted": [], "price.released": [], "price.held": [4, 4], "cooldown.began": [1, 3] };

let view = null;
let saidAt = 0;
let saidOf = "";
let part = null; // [from, to] of the charts that was dragged over

export function live(place, ask) {
  place.replaceChildren($("overview").content.cloneNode(true));
  [view, saidAt, part] = [null, 0, null];
  $("whole").addEventListener("click", () => zoom(null));
  return follow(() => `/ui/api/stream?${cell(ask.args)}`, headers, {
    view(found) {
      replays(found.replayed);
      view = joined(view, found);
      show(ask);
    },
    lost: (seconds) => ask.state("lost", `disconnected, trying again in ${Math.round(seconds)} s`),
    locked: (reason) => ask.locked(hasKey() ? reason : ""),
  });
}

function cell(args) {
  return new URLSearchParams([...args].filter(([name]) => name === "route" || name === "task"));
}

/** After the first view of a stream only new points come; the server says since when. */
function joined(known, found) {
  if (!known || !found.since) return found;
  for (const part of ["prices", "weights"]) {
    const { at, series } = known[part];
    const names = Object.keys(found[part].series);
    const blank = at.map(() => null);
    found[part] = {
      at: [...at, ...found[part].at].slice(-POINTS),
      series: Object.fromEntries(names.map((name) => [name, [...(series[name] ?? blank), ...found[part].series[name]].slice(-POINTS)])),
    };
  }
  return found;
}

function show(ask) {
  ask.cells(view.routes, view.route, view.task);
  ask.state("live", stateText());
  const hasTraffic = Boolean(view.table) && view.weights.at.length > 0;
  $("empty").hidden = hasTraffic;
  $("board").hidden = !hasTraffic;
  if (!hasTraffic) return empty(ask);
  drawn();
  summaries();
  deployments($("deployments"), view);
  write($("note"), view.table.note);
  events($("events"), view);
}

function stateText() {
  const size = view.deployments.length;
  const rows = (view.table?.rows ?? []).filter((row) => row.feed && row.age_s !== null);
  rows.sort((a, b) => a.age_s - b.age_s);
  const from = rows.length ? `, prices from ${rows[0].feed} ${ago(rows[0].age_s)}` : "";
  return `live, ${size} deployment${size === 1 ? "" : "s"}${from}`;
}

function empty(ask) {
  const model = ask.args.get("route") ?? Object.keys(view.routes)[0] ?? "auto";
  write($("curl"), `curl ${location.origin}/v1/chat/completions \\
  -H 'content-type: application/json' \\
  -d '{"model": "${model}",
       "messages": [{"role": "user", "content": "hello"}]}'`);
}

function zoom(to) {
  part = to;
  drawn();
}

function within({ at, series }) {
  if (!part) return { at, series };
  const kept = at.map((each, index) => [each, index]).filter(([each]) => each >= part[0] && each <= part[1]).map(([, index]) => index);
  if (!kept.length) return { at, series };
  return { at: kept.map((index) => at[index]), series: Object.fromEntries(Object.entries(series).map(([name, values]) => [name, kept.map((index) => values[index])])) };
}

function drawn() {
  const { deployments: names, weights } = view;
  const { at, series } = within(view.prices);
  $("whole").hidden = !part;
  const place = new Map(weights.at.map((each, index) => [each, index]));
  const isLog = names.every((name) => series[name].every((each) => each === null || each > 0));
  const marks = marked().map((event) => ({ at: event.at, dash: MARKED[event.event], index: names.indexOf(event.deployment) }));
  const by = (values) => Object.fromEntries(names.map((name) => [name, values(name)]));
  write($("scale"), isLog ? ", log scale" : "");
  timeline($("prices"), "chart", at, by((name) => series[name]), {
    caption: "Price of each deployment, $ per 1M tokens", format: usd, isLog, marks, sync: "overview", zoom: (from, to) => zoom([from, to]),
    cursor: (index) => write($("moment"), index === null || at[index] === undefined ? "" : near(at[index])),
  });
  timeline($("weights"), "chart", at, by((name) => at.map((each) => weights.series[name][place.get(each)] ?? null)), {
    caption: "Weight of each deployment", format: percent, isStacked: true, top: 1, marks: marks.map(({ index, ...mark }) => mark), sync: "overview", zoom: (from, to) => zoom([from, to]),
  });
}

/** Events worth a line on the charts; the first price of all is none. */
function marked() {
  return view.events.filter((event) => event.event in MARKED && (event.event !== "price.shifted" || event.before));
}

function near(at) {
  const event = marked().filter((each) => Math.abs(each.at - at) <= NEAR_S).at(-1);
  return event ? `${clock(event.at)}  ${event.deployment} ${told(event).join(", ")}` : clock(at);
}

function latest(columns, name) {
  return columns.series[name]?.at(-1) ?? null;
}

/** One sentence a chart; at most every ten seconds unless another leads or a price has moved, since a screen reader says each aloud. */
function summaries() {
  const leader = `${view.table.rows[0]?.deployment} ${marked().at(-1)?.at}`;
  if (leader === saidOf && Date.now() - saidAt < SUMMARY_EVERY_MS) return;
  saidAt = Date.now();
  saidOf = leader;
  const priced = view.deployments.filter((name) => latest(view.prices, name) !== null);
  priced.sort((a, b) => latest(view.prices, a) - latest(view.prices, b));
  const moved = marked().filter((event) => event.event !== "cooldown.began").at(-1);
  const cheapest = priced.length ? `${priced[0]} is cheapest at ${usd(latest(view.prices, priced[0]))}.` : "No deployment has a price.";
  write($("prices-summary"), cheapest + (moved ? ` Last move: ${moved.deployment}, ${told(moved)[1]}.` : ""));
  const [first, second] = view.table.rows;
  const share = (row) => `${row.deployment} ${percent(row.weight)}`;
  write($("weights-summary"), first ? `Most goes to ${share(first)}${second?.weight >= 0.01 ? `, then ${share(second)}` : ""}.` : "No deployment may be used.");
}

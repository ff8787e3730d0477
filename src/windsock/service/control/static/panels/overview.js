// The overview: prices, weights and deployments as they are, from a stream.

import { hasKey, headers } from "../api.js";
import { write } from "../elements.js";
import { follow } from "../stream.js";
import { ago, clock, percent, replays, told, usd } from "../words.js";
import { Charts, marked } from "./overview_charts.js";
import { deployments, events, key, twin } from "./overview_lists.js";
import { said } from "./overview_said.js";

const $ = (id) => document.getElementById(id);
const SUMMARY_EVERY_MS = 10_000;
const NEAR_S = 3;
const POINTS = 600;

let view = null;
let cursor = null;
let saidAt = 0;
let saidOf = "";
let charts = null;

export function live(place, ask) {
  place.replaceChildren($("overview").content.cloneNode(true));
  [view, cursor, saidAt] = [null, null, 0];
  charts = new Charts($("prices"), $("weights"), {
    cursor(index) {
      cursor = index;
      if (view) readout();
    },
  });
  $("said-all").addEventListener("toggle", () => view && said($, view));
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

export const recolour = () => charts.rebuild();

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
  charts.show(view);
  write($("scale"), charts.isLog ? ", log scale" : "");
  readout();
  twins();
  summaries();
  deployments($("deployments"), view);
  write($("note"), view.table.note);
  said($, view);
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

/** Values at the cursor, or the latest. */
function readout() {
  const last = view.prices.at.length - 1;
  const index = cursor === null ? last : Math.min(cursor, last);
  const at = view.prices.at[index];
  key($("prices-key"), view, view.deployments.map((name) => usd(view.prices.series[name][index])));
  const place = view.weights.at.indexOf(at);
  key($("weights-key"), view, view.deployments.map((name) => percent(view.weights.series[name][place])));
  write($("moment"), cursor === null ? "" : near(at));
}

function near(at) {
  const event = marked(view).filter((each) => Math.abs(each.at - at) <= NEAR_S).at(-1);
  return event ? `${clock(event.at)}  ${event.deployment} ${told(event).join(", ")}` : clock(at);
}

function latest(columns, name) {
  return columns.series[name]?.at(-1) ?? null;
}

function twins() {
  twin($("prices-twin"), view, view.deployments.map((name) => usd(latest(view.prices, name))));
  twin($("weights-twin"), view, view.deployments.map((name) => percent(latest(view.weights, name))));
}

/** One sentence a chart; at most every ten seconds unless another leads or a price has moved, since a screen reader says each aloud. */
function summaries() {
  const leader = `${view.table.rows[0]?.deployment} ${marked(view).at(-1)?.at}`;
  if (leader === saidOf && Date.now() - saidAt < SUMMARY_EVERY_MS) return;
  saidAt = Date.now();
  saidOf = leader;
  const priced = view.deployments.filter((name) => latest(view.prices, name) !== null);
  priced.sort((a, b) => latest(view.prices, a) - latest(view.prices, b));
  const moved = marked(view).filter((event) => event.event !== "cooldown.began").at(-1);
  const cheapest = priced.length ? `${priced[0]} is cheapest at ${usd(latest(view.prices, priced[0]))}.` : "No deployment has a price.";
  write($("prices-summary"), cheapest + (moved ? ` Last move: ${moved.deployment}, ${told(moved)[1]}.` : ""));
  const [first, second] = view.table.rows;
  const share = (row) => `${row.deployment} ${percent(row.weight)}`;
  write($("weights-summary"), first ? `Most goes to ${share(first)}${second?.weight >= 0.01 ? `, then ${share(second)}` : ""}.` : "No deployment may be used.");
}

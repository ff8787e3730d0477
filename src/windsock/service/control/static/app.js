// The page: what was chosen, what came, what is shown.

import { Charts, marked } from "./charts.js";
import { choose, deployments, events, key, twin, write } from "./lists.js";
import { said } from "./said.js";
import { follow } from "./stream.js";
import { ago, clock, percent, told, usd } from "./words.js";

const $ = (id) => document.getElementById(id);
const SUMMARY_EVERY_MS = 10_000;
const NEAR_S = 3;
const POINTS = 600;
const KEY = "windsock.key";

const asked = new URLSearchParams(location.search);
const chosen = { route: asked.get("route"), task: asked.get("task") };
let view = null;
let cursor = null;
let saidAt = 0;
let saidOf = "";

const charts = new Charts($("prices"), $("weights"), {
  cursor(index) {
    cursor = index;
    if (view) readout();
  },
});

function query() {
  const parts = Object.entries(chosen).filter(([, value]) => value);
  return parts.length ? `?${new URLSearchParams(parts)}` : "";
}

function headers() {
  const secret = sessionStorage.getItem(KEY);
  return secret ? { authorization: `Bearer ${secret}` } : {};
}

const restart = follow(() => `/ui/api/stream${query()}`, headers, {
  view(found) {
    view = joined(view, found);
    show();
  },
  lost(seconds) {
    state("lost", `disconnected, trying again in ${Math.round(seconds)} s`);
  },
  locked(reason) {
    state("locked", "waiting for a key");
    $("locked").hidden = false;
    $("board").hidden = true;
    $("empty").hidden = true;
    write($("locked-why"), sessionStorage.getItem(KEY) ? reason : "");
  },
});

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

function state(kind, text) {
  $("state").dataset.state = kind;
  document.body.dataset.state = kind;
  write($("state-text"), text);
}

function show() {
  $("locked").hidden = true;
  selectors();
  state("live", stateText());
  const hasTraffic = Boolean(view.table) && view.weights.at.length > 0;
  $("empty").hidden = hasTraffic;
  $("board").hidden = !hasTraffic;
  if (!hasTraffic) return empty();
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

function selectors() {
  const routes = Object.keys(view.routes);
  const route = chosen.route ?? view.route ?? routes[0];
  choose($("route"), routes, route);
  choose($("task"), view.routes[route] ?? [], view.task);
}

function stateText() {
  const size = view.deployments.length;
  const rows = (view.table?.rows ?? []).filter((row) => row.feed && row.age_s !== null);
  rows.sort((a, b) => a.age_s - b.age_s);
  const from = rows.length ? `, prices from ${rows[0].feed} ${ago(rows[0].age_s)}` : "";
  return `live, ${size} deployment${size === 1 ? "" : "s"}${from}`;
}

function empty() {
  const model = chosen.route ?? Object.keys(view.routes)[0] ?? "auto";
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
  write($("moment"), cursor === null ? "" : moment(at));
}

function moment(at) {
  const near = marked(view).filter((event) => Math.abs(event.at - at) <= NEAR_S).at(-1);
  return near ? `${clock(near.at)}  ${near.deployment} ${told(near).join(", ")}` : clock(at);
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

function pick(name, value) {
  chosen[name] = value;
  if (name === "route") chosen.task = null;
  history.replaceState(null, "", query() || location.pathname);
  saidAt = 0;
  restart();
}

$("route").addEventListener("change", (event) => pick("route", event.target.value));
$("task").addEventListener("change", (event) => {
  chosen.route ??= view.route;
  pick("task", event.target.value);
});
$("said-all").addEventListener("toggle", () => view && said($, view));
$("cell").addEventListener("submit", (event) => event.preventDefault());
$("locked").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, $("key").value.trim());
  $("key").value = "";
  restart();
});

// Health: what each deployment is like now, and calls, errors and latency over time.

import { element, named, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { timeline } from "../timeline.js";
import { count, dash, many, millis, millisPair, percent, when } from "../words.js";

const MOST = 8;
const COUNTS = { format: (value) => (value === null ? dash : count(value)), isStacked: true, isWhole: true };

export const every = 10;

export async function load(ask) {
  const [now, past, replicas] = await Promise.all([ask.get("/v1/deployments"), ask.get(`/v1/deployments/history?${ask.span()}`), ask.get("/v1/replicas")]);
  return { now: now.data, past, replicas };
}

export function draw(place, { now, past, replicas }, ask) {
  const rows = now.map((each) => ({ ...each, ...inTime(past.data.find((line) => line.deployment === each.deployment)) }));
  const out = rows.filter((row) => row.why_out).map((row) => row.deployment);
  const errors = total(past.data, (line) => line.failed);
  sentence(place, "in-short", `${many(rows.length, "deployment")}${out.length ? `, out: ${out.slice(0, MOST).join(", ")}` : ", all in use"}; ${many(total(past.data, (line) => line.calls), "call")} in this time, ${errors ? `${count(errors)} failed` : "none failed"}.`);
  const order = ({ deployment }) => now.findIndex((each) => each.deployment === deployment);
  const shown = past.data.slice(0, MOST).sort((a, b) => order(a) - order(b)); // an order that stays, so that colours do
  const axis = { zoom: ask.zoom, ends: Math.min(past.until, Date.now() / 1000) };
  const slow = section(place, "latency", "Latency", "95 of 100 answered requests were faster, waits included");
  timeline(slow, "latency-chart", past.at, columns(shown, (line) => line.p95_latency_s.map((each) => (each === null ? null : each * 1000))), { caption: "95th percentile of the time to an answer, by deployment", format: millis, isWhole: true, ...axis });
  const failed = section(place, "errors", "Errors", "calls that brought no answer, by kind");
  timeline(failed, "errors-chart", past.at, byKind(past), { caption: "Failed calls by kind", ...COUNTS, ...axis });
  const calls = section(place, "calls", "Calls", "retries and fallbacks included");
  timeline(calls, "calls-chart", past.at, columns(shown, (line) => line.calls), { caption: "Calls by deployment", ...COUNTS, ...axis });
  const all = section(place, "deployments", "Deployments", "now, and in this time");
  table(all, "health-table", COLUMNS, rows, { caption: "Health of every deployment", key: (row) => row.deployment, none: "No deployment is configured.", mark: (row) => (row.why_out ? "bad" : "") });
  const together = section(place, "replicas", "Replicas", `${replicas.says}${replicas.is_away ? "; the database is away, this is of before" : ""}`);
  if (replicas.data.length) table(together, "replicas-table", REPLICAS, replicas.data, { caption: "Replicas over one database", key: (row) => row.id, none: "", mark: (row) => (row.is_there && !row.configuration.is_newest ? "bad" : "") });
}

const sum = (values) => values.reduce((all, each) => all + each, 0);
const total = (lines, of) => sum(lines.map((line) => sum(of(line))));
const columns = (lines, of) => Object.fromEntries(lines.map((line) => [line.deployment, of(line)]));

function byKind({ at, data }) {
  const found = {};
  for (const { kinds } of data) {
    for (const [kind, values] of Object.entries(kinds)) {
      if (kind === "answered") continue;
      const name = kind.replace(/_/g, " ");
      found[name] = (found[name] ?? at.map(() => 0)).map((each, index) => each + values[index]);
    }
  }
  return Object.keys(found).length ? found : { none: at.map(() => 0) };
}

function inTime(line) {
  if (!line) return { calls: 0, failed: 0, ends: "" };
  const kinds = Object.entries(line.kinds).map(([kind, values]) => [kind.replace(/_/g, " "), sum(values)]).filter(([kind]) => kind !== "answered");
  return { calls: sum(line.calls), failed: sum(line.failed), ends: kinds.sort((a, b) => b[1] - a[1]).map(([kind, number]) => `${count(number)} ${kind}`).join(", ") };
}

const STATES = { closed: "in use", open: "cooling down", half_open: "being tried" };

function state(row) {
  const until = row.cooldown_until === null ? "" : ` until ${when(row.cooldown_until)}`;
  const is = row.why_out && row.state === "closed" ? "out" : STATES[row.state] ?? row.state;
  return element("span", "", `${is}${until}`);
}

const COLUMNS = [
  { title: "Deployment", text: (row) => named(row.deployment), value: (row) => row.deployment },
  { title: "State", text: state, value: (row) => row.state },
  { title: "Says its status page", text: (row) => row.reported.replace(/_/g, " ") },
  { title: "First byte", unit: "p50 / p95", text: (row) => millisPair(row.p50_first_byte_ms, row.p95_first_byte_ms), value: (row) => row.p95_first_byte_ms, isNumber: true },
  figure("Calls", "calls", count, "in this time"),
  { title: "Failed", unit: "in this time", text: (row) => (row.calls ? `${count(row.failed)} (${percent(row.failed / row.calls)})` : dash), value: (row) => (row.calls ? row.failed / row.calls : null), isNumber: true },
  { title: "How they ended", text: (row) => row.ends || dash },
  { title: "Why it is out", text: (row) => [row.why_out, row.errors].filter(Boolean).join("; ") || dash },
];

const known = (value) => (value === null ? dash : count(value));

const REPLICAS = [
  { title: "Replica", text: (row) => row.name, value: (row) => row.name },
  { title: "State", text: (row) => (row.is_there ? (row.leads ? "leads" : "there") : "gone"), value: (row) => row.is_there },
  { title: "Version", text: (row) => row.version ?? dash },
  figure("Requests", "requests", known, "finished"),
  figure("Behind", "behind", known, "deltas to learn"),
  { title: "Configuration", text: (row) => `${row.configuration.digest}, ${row.configuration.is_newest ? "the newest" : "not the newest"}` },
  { title: "Loaded", text: (row) => (row.configuration.loaded_at === null ? dash : when(row.configuration.loaded_at)), value: (row) => row.configuration.loaded_at },
  { title: "Started", text: (row) => when(row.started_at), value: (row) => row.started_at },
  { title: "Last seen", text: (row) => when(row.seen_at), value: (row) => row.seen_at },
];

// The configuration in force: what every route aims at, and every setting. Secrets are masked by the service.

import { element, field, link, named, once, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { millis, percent, usd } from "../words.js";

export async function load({ get, isAdmin }) {
  const routes = await get("/v1/routes");
  return { routes: routes.data, settings: (await isAdmin()) ? (await get("/v1/config")).data : null };
}

export function draw(place, { routes, settings }) {
  table(section(place, "aims", "Routes", "what each aims at"), "rows", COLUMNS, routes, {
    caption: "Routes and their aims", key: (row) => row.route, none: "No route is configured.", open: (row) => (location.hash = `#/route?route=${encodeURIComponent(row.route)}`),
  });
  const box = section(place, "settings", "Settings", "windsock.toml with its defaults");
  if (!settings) return sentence(box, "none", "A key with the scope admin sees them.", "quiet");
  const whole = once(box, "whole", () => Object.assign(field("with defaults", { type: "checkbox" }), { onchange: () => draw(place, { routes, settings }) }));
  const rows = settings.filter((row) => whole.input.checked || row.is_stated);
  return table(box, "rows", [
    { title: "Key", text: (row) => element("code", "", row.key) },
    { title: "Value", text: (row) => element("span", "wraps", shown(row.value)) },
    { title: "From", text: (row) => (row.is_stated ? "file" : "default"), value: (row) => (row.is_stated ? 0 : 1) },
  ], rows, { caption: "Settings in force", key: (row) => row.key, mark: (row) => (row.is_stated ? "" : "usual") });
}

function floors(row) {
  const over = row.route_quality_floor === null ? "" : `${percent(row.route_quality_floor)} over all`;
  return [row.quality_floor === null ? "" : percent(row.quality_floor), over].filter(Boolean).join(", ") || "none";
}

const COLUMNS = [
  { title: "Route", text: (row) => link("route", { route: row.route }, row.route) },
  { title: "Objective", text: (row) => (row.objective ? row.objective.replace(/_/g, " ") + (row.quality ? `: ${row.quality}` : "") : row.policy) },
  { title: "Floor", isNumber: true, text: (row) => floors(row), value: (row) => row.quality_floor ?? row.route_quality_floor },
  { title: "Budget", text: (row) => budget(row) },
  { title: "Explore", isNumber: true, text: (row) => percent(row.explore), value: (row) => row.explore },
  { title: "Latency", isNumber: true, text: (row) => (row.max_latency_s === null ? "no limit" : `≤ ${millis(row.max_latency_s * 1000)}`) },
  { title: "Incumbent", text: (row) => (row.incumbent ? named(row.incumbent) : "none") },
  { title: "Candidates", isNumber: true, text: (row) => String(row.candidates.length), value: (row) => row.candidates.length },
];

export function budget({ usd_per_day: day, usd_per_request: request, budget: now }) {
  const amount = day === null ? (request === null ? "none" : `${usd(request)} a request`) : `${usd(day)} a day`;
  return amount + (now?.is_spent ? ", spent" : now?.left_usd === null || !now ? "" : `, ${usd(now.left_usd)} left`);
}

function shown(value) {
  if (value === null) return "not set";
  if (Array.isArray(value)) return value.join(", ") || "none";
  return String(value);
}

// Routes: all of them, or one with what it aims at, its tasks, and who serves them.

import { bar, facts, link, named, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { percent } from "../words.js";
import { spent, TASK } from "./columns.js";
import { budget } from "./configuration.js";

export const every = 5;

export async function load({ get, args, span }) {
  const routes = (await get("/v1/routes")).data;
  const route = routes.find((each) => each.route === args.get("route")) ?? routes[0];
  if (!route) return {};
  const [weights, report] = await Promise.all([get(`/v1/weights?route=${encodeURIComponent(route.route)}`), get(`/v1/report?${span()}&by=route,task&sample=0`)]);
  return { route, weights: weights.data, report: report.data.filter((each) => each.route === route.route) };
}

export function draw(place, { route, weights, report }) {
  if (!route) return sentence(place, "none", "No route is configured: name one under [routes] in windsock.toml.");
  const box = section(place, "route", `Route ${route.route}`, route.aliases.length ? `also ${route.aliases.join(", ")}` : "");
  facts(box, "facts", [
    ["Objective", (route.objective ?? route.policy).replace(/_/g, " ") + (route.quality ? `: ${route.quality}` : "")],
    ["Quality floor", route.quality_floor === null ? "none" : percent(route.quality_floor)],
    ["Floor of the route", route.route_quality_floor === null ? "none" : percent(route.route_quality_floor)],
    ["Budget", budget(route)],
    ["Kept for learning", percent(route.explore)],
    ["Incumbent", route.incumbent ?? "none"],
    ["Fallbacks", route.fallbacks.join(", ") || "none"],
    ["Most calls a request", String(route.max_attempts)],
    ["What if", link("what-if", { route: route.route }, "other prices, floor, budget")],
  ]);
  tasks(place, route, weights, report);
  candidates(place, route, weights, report);
}

function tasks(place, route, weights, report) {
  const rows = weights.map((cell) => ({ ...cell, spent: report.find((each) => each.task === cell.task) }));
  table(section(place, "tasks", "Tasks", "by what was served in the chosen time"), "rows", [
    TASK,
    { title: "Goes mostly to", text: (row) => first(row.weights) },
    ...spent((row) => row.spent),
    { title: "Note", text: (row) => row.note || null },
  ], rows, { caption: `Tasks of ${route.route}`, key: (row) => row.task, sort: [2, -1] });
}

function first(weights) {
  const [name, weight] = Object.entries(weights).sort(([, a], [, b]) => b - a)[0] ?? [];
  return name ? `${name} ${percent(weight)}` : "nobody";
}

/** Share of the route's next requests, tasks counted by their requests. */
function candidates(place, route, weights, report) {
  const counted = weights.map((cell) => report.find((each) => each.task === cell.task)?.requests ?? 0);
  const all = counted.reduce((sum, each) => sum + each, 0);
  const share = (name) => weights.reduce((sum, cell, index) => sum + (cell.weights[name] ?? 0) * (all ? counted[index] / all : 1 / weights.length), 0);
  table(section(place, "candidates", "Candidates", "share of the route's next requests"), "rows", [
    { title: "Deployment", text: (name) => link("deployment", { name }, named(name)) },
    { title: "Share", text: (name) => bar(share(name), percent(share(name)), route.candidates.indexOf(name)), value: share },
    { title: "Ruled out at", text: (name) => weights.filter((cell) => name in cell.ruled_out).map((cell) => cell.task).join(", ") || null },
  ], route.candidates, { caption: `Candidates of ${route.route}`, key: (name) => name, sort: [1, -1] });
}

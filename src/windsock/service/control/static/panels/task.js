// One task of a route: who serves it and why, what it cost, and the newest of its requests.

import { facts, link, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { usd } from "../words.js";
import { BELIEF, DEPLOYMENT, ENDED, LIMITS, RULED_OUT, spent, WEIGHT, WHEN } from "./columns.js";

export const every = 5;

const perSuccess = (row) => (row.success_mean ? row.expected_usd / row.success_mean * 1000 : null);
const EACH = { title: "Cost per success", unit: "$ per 1k", isNumber: true, text: (row) => usd(perSuccess(row)), value: perSuccess };

export async function load({ get, args, span }) {
  const { routes } = await get("/ui/api/cells");
  const route = args.get("route") ?? Object.keys(routes)[0];
  const task = args.get("task") ?? routes[route]?.[0] ?? "default";
  const cell = new URLSearchParams({ route, task });
  const [weights, report, requests] = await Promise.all([get(`/v1/weights?${cell}`), get(`/v1/report?${span()}&by=route,task,deployment&sample=0&limit=100000`), get(`/v1/requests?${cell}&${span()}&limit=10`)]);
  return { route, task, cell: weights.data[0], requests: requests.data, report: report.data.filter((each) => each.route === route && each.task === task) };
}

export function draw(place, { route, task, cell, report, requests }) {
  const box = section(place, "task", `Task ${task}`, `of route ${route}`);
  if (!cell) return sentence(box, "none", "No weights are known of it yet.");
  facts(box, "facts", [
    ["Decided by", cell.decided_by || cell.policy],
    ["A success is worth", usd(cell.value_usd)],
    ["Note", cell.note || null],
    ["Segment", cell.segment],
    ["What if", link("what-if", { route, task }, "other prices, floor, budget")],
  ]);
  table(section(place, "weights", "Who serves it"), "rows", [DEPLOYMENT, WEIGHT, ...BELIEF, EACH, LIMITS], cell.candidates, { caption: `Weights of ${task}`, key: (row) => row.deployment, sort: [1, -1] });
  const out = Object.entries(cell.ruled_out);
  if (out.length) table(section(place, "out", "Ruled out"), "rows", RULED_OUT, out, { caption: "Deployments that cannot serve it", key: ([name]) => name });
  table(section(place, "served", "Served", "in the chosen time"), "rows", [DEPLOYMENT, ...spent()], report, { caption: `What served ${task}`, key: (row) => String(row.deployment), none: "Nothing in this time." });
  return table(section(place, "newest", "Newest requests"), "rows", [WHEN, ...ENDED], requests, { caption: `Newest requests of ${task}`, key: (row) => row.decision_id });
}

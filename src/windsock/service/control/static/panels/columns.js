// Columns that several views share, so that one fact is told alike everywhere.

import { bar, drawn, element, link, named } from "../elements.js";
import { count, millis, percent, usd, when } from "../words.js";

const interval = (low, high) => `${Math.round(low * 100)}–${Math.round(high * 100)}`;
const figure = (title, value, text, unit) => ({ title, unit, isNumber: true, text: (row) => text(value(row)), value });

/** Mean success with its interval, in figures and as a picture. */
export function success(mean, low, high) {
  const picture = drawn("svg", { class: "whisker", viewBox: "0 0 80 10", "aria-hidden": "true" },
    drawn("line", { x1: 0, x2: 80, y1: 5, y2: 5, class: "track" }),
    drawn("line", { x1: 80 * low, x2: 80 * high, y1: 5, y2: 5, class: "range" }),
    drawn("circle", { cx: 80 * mean, cy: 5, r: 3 }));
  return element("span", "", `${Math.round(mean * 100)} % (${interval(low, high)})`, picture);
}

export const DEPLOYMENT = { title: "Deployment", text: (row) => (row.deployment ? link("deployment", { name: row.deployment }, named(row.deployment)) : "nobody") };
export const TASK = { title: "Task", text: (row) => link("task", { route: row.route, task: row.task }, row.route ? `${row.route} / ${row.task}` : row.task) };

/** Of a candidate in a weight table. */
export const WEIGHT = { title: "Weight", text: (row) => bar(row.weight, percent(row.weight), row.index), value: (row) => row.weight };
export const BELIEF = [
  { title: "Success", unit: "90 % interval", isNumber: true, text: (row) => `${percent(row.success_mean)} (${interval(...row.success_interval)})`, value: (row) => row.success_mean },
  figure("Rewards", (row) => row.effective_samples, count),
  figure("Cost", (row) => row.expected_usd * 1000, usd, "$ per 1k"),
];
export const LIMITS = { title: "Limited by", text: (row) => (row.limits.length ? element("span", "wraps", row.limits.join(", ")) : null) };

/** Of a line of the report; `of` finds it in a row. */
export const spent = (of = (row) => row) => [
  figure("Requests", (row) => of(row)?.requests ?? 0, (value) => value.toLocaleString("en")),
  figure("Spent", (row) => of(row)?.cost_usd ?? null, usd),
  { title: "Success", isNumber: true, text: (row) => (of(row)?.judged ? `${percent(of(row).success_rate)} of ${of(row).judged.toLocaleString("en")}` : "not judged"), value: (row) => of(row)?.success_rate },
  figure("Cost per success", (row) => of(row)?.cost_per_success_usd ?? null, usd),
];

/** Of a request. */
export const WHEN = { title: "When", text: (row) => link("decision", { id: row.decision_id }, when(row.at)), value: (row) => row.at };
export const ENDED = [
  { title: "Deployment", text: (row) => named(row.served ?? row.deployment) },
  { title: "Status", text: (row) => row.status + (row.attempts > 1 ? `, ${row.attempts} calls` : "") },
  figure("Cost", (row) => row.cost_usd, usd),
  figure("Time", (row) => (row.latency_s === null ? null : row.latency_s * 1000), millis),
];

/** Of what could not serve: [name, why]. */
export const RULED_OUT = [{ title: "Deployment", text: ([name]) => named(name) }, { title: "Why", text: ([, why]) => why }];

// The table and the events of the overview.

import { bar, element, keyed, named, swatch } from "../elements.js";
import { figure, table } from "../tables.js";
import { ago, clock, count, dash, millisPair, percent, told, usd } from "../words.js";
import { success } from "./columns.js";

const SHOWN = 20;

export function deployments(place, view) {
  const { rows, ruled_out: out, quoted } = view.table;
  const known = new Set(rows.map((row) => row.deployment));
  const gone = Object.entries(out).filter(([name]) => !known.has(name)).map(([deployment, why]) => ({ deployment, why, ...quoted[deployment] }));
  const index = (row) => view.deployments.indexOf(row.deployment);
  table(place, "rows", [
    { title: "Deployment", text: (row) => element("span", "", swatch(index(row)), named(row.deployment)), value: (row) => row.deployment },
    { title: "Weight", text: (row) => (row.why ? dash : bar(row.weight, percent(row.weight), index(row))), value: (row) => row.weight },
    { title: "Success", unit: "90 % interval", text: (row) => (row.why ? dash : success(row.success, row.low, row.high)), value: (row) => row.success },
    figure("Rewards", "n", (value) => (value === undefined ? dash : count(value))),
    { title: "In / out", unit: "$ per 1M", text: (row) => `${usd(row.input)} / ${usd(row.output)}`, value: (row) => row.input, isNumber: true },
    figure("Cost", "usd", (value) => usd(value === undefined ? null : value * 1000), "$ per 1k requests"),
    { title: "First byte", unit: "p50 / p95", text: (row) => millisPair(row.p50_ms, row.p95_ms), value: (row) => row.p95_ms, isNumber: true },
    { title: "Price from", text: (row) => (row.feed ? `${row.feed}, ${ago(row.age_s)}` : dash) },
    { title: "Limited by", text: (row) => row.why ?? (row.limits.map((each) => each.replace(/ price$/, "")).join(", ") || dash) },
  ], [...rows, ...gone], { caption: "Deployments", key: (row) => row.deployment, mark: (row) => (row.why ? "out" : "in") });
}

export function events(list, view) {
  const latest = view.events.slice(-SHOWN).reverse();
  const id = (event) => JSON.stringify([event.at, event.event, event.deployment, event.feed]);
  const byId = new Map(latest.map((event) => [id(event), event]));
  if (!latest.length) return list.replaceChildren(element("li", "none", "Nothing yet. Price moves, held quotes and cooldowns appear here."));
  keyed(list, [...byId.keys()], (name) => {
    const event = byId.get(name);
    const [headline, detail] = told(event);
    const item = element("li");
    const when = element("time", "", clock(event.at));
    when.dateTime = new Date(event.at * 1000).toISOString();
    const index = view.deployments.indexOf(event.deployment);
    const who = element("span", "who");
    who.append(index < 0 ? "" : swatch(index), event.deployment ? named(event.deployment) : element("span", "", event.feed ?? ""));
    item.append(when, who, element("b", "", headline), element("span", "detail", detail));
    return item;
  });
  return list;
}

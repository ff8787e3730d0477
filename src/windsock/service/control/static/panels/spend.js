// Spend and savings: by whom, when, against a deployment that might have answered all.

import { choose, element, facts, field, named, once, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { timeline } from "../timeline.js";
import { count, dash, many, percent, span, usd } from "../words.js";

const BY = ["task", "key", "deployment", "route"];
const NONE = "none";
const INCUMBENT = "incumbent";

export const every = 30;

export async function load(ask) {
  const [by, baseline] = [ask.args.get("by") ?? BY[0], ask.args.get("baseline")];
  const against = (names) => (baseline && !names.includes(baseline) ? `&baseline=${encodeURIComponent(baseline)}` : "");
  const savings = ask.get(`/v1/report?by=route&${ask.span()}${against([NONE, INCUMBENT])}`).then((report) => report.savings, () => []);
  const [found, deployments, keys] = await Promise.all([
    ask.get(`/v1/spend?by=${by}&${ask.span()}${against([NONE])}`),
    ask.get("/v1/deployments"),
    by === "key" ? ask.get("/v1/keys") : { data: [] },
  ]);
  return { found, savings, names: deployments.data.map((each) => each.deployment), keys: new Map(keys.data.map((key) => [key.id, key.name])) };
}

export function draw(place, { found, savings, names, keys }, ask) {
  const { total, baseline, by } = found;
  const label = (group) => (group === null ? "(none)" : keys.get(group) ?? group);
  sentence(place, "in-short", inShort(total, baseline));
  chosen(place, found, names, ask);
  const sums = section(place, "sums", "In all", `in steps of ${span(found.step_s)}`);
  facts(sums, "sums-facts", sumsOf(total, baseline));
  timeline(sums, "over-time", found.at, renamed(found.series, label), { caption: `Dollars by ${by}, over time`, format: usd, isStacked: true, ends: Math.min(found.until, Date.now() / 1000), zoom: ask.zoom });
  const groups = section(place, "groups", `By ${by}`, baseline ? `against always ${baseline}` : "");
  table(groups, "spend-table", columns(by, baseline, label), found.data, { caption: `Spend and savings by ${by}`, key: (line) => String(line.group), none: "Nothing was asked in this time.", mark: (line) => (line.saved_usd < 0 ? "bad" : "") });
  savings.then((lines) => saved(place, lines));
}

/** It takes a second or two, so it comes after the rest. */
function saved(place, savings) {
  const box = section(place, "saved", "Saved and lost", "against all to one deployment, estimated by exact propensities; 95 % intervals");
  table(box, "saved-table", SAVED, savings, { caption: "What each route saved and won", key: (line) => line.route, none: "No request of this time can be compared." });
}

function inShort(total, baseline) {
  if (!total.requests) return "Nothing was asked in this time.";
  const spent = `${many(total.requests, "request")} for ${usd(total.cost_usd)}${total.unknown_cost ? `, and ${count(total.unknown_cost)} of unknown cost` : ""}.`;
  if (!baseline) return `${spent} Choose a baseline to see what was saved.`;
  if (total.saved_usd === null) return `${spent} What they would have cost at ${baseline} is not known.`;
  const share = total.baseline_usd ? ` (${percent(Math.abs(total.saved_usd) / total.baseline_usd)})` : "";
  const part = total.compared_requests < total.requests ? ` of ${count(total.compared_requests)} that can be compared` : "";
  const rests = total.seen_share >= 0.995 ? "by the mean cost of what it answered at the same tasks" : `${percent(1 - total.seen_share)} of it by what it would be expected to cost, as it answered too few`;
  return `${spent} Always ${baseline} would have cost ${usd(total.baseline_usd)}${part}: ${total.saved_usd < 0 ? "lost" : "saved"} ${usd(Math.abs(total.saved_usd))}${share}, ${rests}.`;
}

/** What is grouped by, and the baseline. */
function chosen(place, { by, baseline }, names, ask) {
  const form = once(place, "chosen", () => {
    const made = element("form", "form");
    made.addEventListener("submit", (event) => event.preventDefault());
    for (const [name, title] of [["by", "By"], ["baseline", "Baseline"]]) {
      const label = field(title, { name }, "select");
      label.input.addEventListener("change", () => ask.change({ [name]: label.input.value }));
      made.append(label);
      made[`${name}Chosen`] = label.input;
    }
    return made;
  });
  choose(form.byChosen, BY, by);
  choose(form.baselineChosen, [NONE, INCUMBENT, ...names], baseline ?? NONE);
}

function renamed(series, label) {
  return Object.fromEntries(Object.entries(series).map(([name, values]) => [label(name), values]));
}

function sumsOf(total, baseline) {
  return [
    ["Spent", usd(total.cost_usd)],
    ["Requests", `${count(total.requests)}, ${count(total.answered)} answered`],
    ["Cost of a success", usd(total.cost_per_success_usd)],
    ["Success", success(total.success_rate, total.judged)],
    ["Billed", billed(total)],
    ["From the cache", total.cache_hits ? `${count(total.cache_hits)}, which had cost ${usd(total.cache_saved_usd)}` : "none"],
    ["Refused for money", count(total.refused)],
    ...(baseline ? [[`Always ${baseline}`, usd(total.baseline_usd)], ["Saved", usd(total.saved_usd)], ["Its success", itsSuccess(total)]] : []),
  ];
}

const success = (rate, judged) => (rate === null ? dash : `${percent(rate)} of ${count(judged)} judged`);

const itsSuccess = (line) => success(line.baseline_success_rate, line.baseline_judged);

function billed({ billed_usd: said, counted_usd: counted, doubted_usd: doubted }) {
  if (said === null && doubted === null) return "no bill came";
  return [said === null ? "" : `${usd(said)}, counted ${usd(counted)}`, doubted === null ? "" : `doubted ${usd(doubted)}`].filter(Boolean).join("; ");
}

function columns(by, baseline, label) {
  return [
    { title: by[0].toUpperCase() + by.slice(1), text: (line) => label(line.group), value: (line) => label(line.group) },
    figure("Requests", "requests", count),
    figure("Spent", "cost_usd", usd),
    { title: "Success", text: (line) => success(line.success_rate, line.judged), value: (line) => line.success_rate, isNumber: true },
    figure("Cost of a success", "cost_per_success_usd", usd),
    ...(baseline ? [figure("Baseline", "baseline_usd", usd), figure("Saved", "saved_usd", usd), { title: "Its success", text: itsSuccess, value: (line) => line.baseline_success_rate, isNumber: true }] : []),
    { title: "Billed", text: billed, value: (line) => line.billed_usd },
  ];
}

/** A mean with its interval; where that holds 0, it is open whether more or less. */
function change(found, more, less, format) {
  if (found === null) return "not known";
  const { mean, low, high } = found;
  const within = `${format(low)} to ${format(high)}`;
  return low <= 0 && high >= 0 ? `open, ${within}` : `${mean > 0 ? more : less} ${format(Math.abs(mean))}, ${within}`;
}

function rests({ sampled, requests, judged, unknown, left_out: out }) {
  const left = Object.entries(out).map(([why, number]) => `left out ${count(number)} ${why}`);
  return [`${count(sampled)} of ${many(requests, "request")}, ${count(judged)} judged`, unknown, ...left].filter(Boolean).join("; ");
}

const SAVED = [
  { title: "Route", text: (line) => line.route },
  { title: "Against", text: (line) => element("span", "", named(line.baseline), element("small", "", ` ${line.why}`)), value: (line) => line.baseline },
  { title: "Dollars", text: (line) => change(line.saved_usd, "saved", "lost", usd), value: (line) => line.saved_usd?.mean ?? null, isNumber: true },
  { title: "Successes", text: (line) => change(line.won_successes, "won", "lost", count), value: (line) => line.won_successes?.mean ?? null, isNumber: true },
  { title: "Rests on", text: rests },
];

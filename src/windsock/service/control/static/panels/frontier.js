// Cost against success: what each wish would give, where the route stands, and each deployment alone.

import { choose, drawn, element, field, once, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { percent, usd } from "../words.js";

const [W, H, LEFT, BOTTOM] = [640, 320, 64, 280];
const SIZES = { today: 6, deployment: 4, quality: 5, value: 2.5 };
const NAMED = ["today", "quality", "deployment"]; // who is named first where there is little room
const ALL = "all its traffic";

export const every = 15;
export const load = async (ask) => (await ask.get("/v1/frontier")).data;

export function draw(place, data, ask) {
  const found = data.find((each) => each.route === ask.args.get("route")) ?? data[0];
  const picks = once(place, "of", () => element("p", "picks", pick("Route", "route", ask), pick("Of", "of", ask)));
  const [route, of] = [...picks.children].map((each) => each.input);
  choose(route, data.map((each) => each.route), found?.route);
  choose(of, [ALL, ...(found?.by_task ?? []).map((each) => each.task)], ask.args.get("of") ?? ALL);
  const points = found?.by_task.find((each) => each.task === ask.args.get("of"))?.prospects ?? found?.over_route ?? [];
  sentence(place, "in-short", points.length ? inShort(found, points) : "Nobody can serve this route just now.");
  if (!points.length) return place.querySelectorAll(":scope > section").forEach((each) => each.remove());
  for (const each of points) each.label = label(each, found);
  const plot = section(place, "frontier", "Cost against success", "$ per 1,000 requests, success as believed now");
  once(plot, "picture", () => element("div", "scatter")).replaceChildren(picture(points));
  const twin = section(place, "wishes", "Each wish", "what it would cost and deliver");
  return table(twin, "wishes-table", COLUMNS, points, { caption: "What each wish would cost and deliver", key: (row) => row.label, mark: (row) => (row.is_held ? "" : "out") });
}

function pick(title, name, ask) {
  const made = field(title, {}, "select");
  made.input.addEventListener("change", () => ask.change({ of: null, [name]: made.input.value === ALL ? null : made.input.value }));
  return made;
}

function inShort({ route, by_task, reference }, points) {
  const today = points.find((each) => each.kind === "today");
  const guess = by_task.some((each) => each.rewards > 0) ? "" : "; nobody has judged an answer yet, so success is a guess";
  const measure = reference ? `; its measure of quality is ${reference.deployment}, or another that may be as good, at ${usd(reference.likely_usd_per_success)} a success` : "";
  return `${route} stands at ${right(today.success)} for ${cost(today)} per 1,000 requests${guess}${measure}.`;
}

const cost = (each) => usd(1000 * each.usd_per_request);
const right = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

function label({ kind, name }, { incumbent }) {
  if (kind === "deployment") return name === incumbent ? `${name} (incumbent)` : name;
  return kind === "value" ? `a success worth ${usd(Number(name))}` : kind === "today" ? name : `${kind} ${name}`;
}

/** A scale from the least to the greatest of some values; logarithmic where asked for and nothing is free. */
function scale(values, from, to, isLog) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const way = isLog && low > 0 ? Math.log : Number;
  return Object.assign((value) => from + ((way(value) - way(low)) / (way(high) - way(low) || 1)) * (to - from), { low, high });
}

/** Its twin is the table. */
function picture(points) {
  const shown = points.filter((each) => each.kind in SIZES);
  const x = scale(shown.map((each) => each.usd_per_request), LEFT + 12, W - 30, true);
  const y = scale(shown.map((each) => each.success), BOTTOM, 16, false);
  const text = (at, up, words, anchor = "start") => drawn("text", { x: at, y: up, "text-anchor": anchor }, words);
  const at = (each) => [x(each.usd_per_request), y(each.success)];
  const named = labels(shown, at);
  const line = shown.filter((each) => each.kind === "value").map(at).join(" ");
  return drawn("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "Cost against success; the table below has the same figures" },
    drawn("path", { class: "axis", d: `M${LEFT} 16V${BOTTOM + 8}H${W - 20}` }),
    text(LEFT - 8, y(y.high) + 4, percent(y.high), "end"), text(LEFT - 8, y(y.low) + 4, percent(y.low), "end"),
    text(LEFT, H - 10, usd(1000 * x.low)), text(W - 20, H - 10, usd(1000 * x.high), "end"),
    drawn("polyline", { class: "ladder", points: line }),
    ...shown.map((each) => {
      const [cx, cy] = at(each);
      const title = drawn("title", {}, `${each.label}: ${right(each.success)}, ${cost(each)} per 1,000 requests`);
      return drawn("g", { class: each.kind }, drawn("circle", { cx, cy, r: SIZES[each.kind] }), title, ...(named.has(each) ? [text(...named.get(each))] : []));
    }));
}

/** Where each name stands, beside its dot and upon no other name or dot; what finds no room is left to its title and the table. */
function labels(points, at) {
  const size = matchMedia("(max-width: 1080px)").matches ? 22 : 12;
  const ordered = NAMED.flatMap((kind) => points.filter((point) => point.kind === kind));
  const taken = ordered.map((each) => box(at(each)[0] - 5, at(each)[1] + 5, 10, 10));
  const found = new Map();
  for (const each of ordered) {
    const short = each.name.split("/").at(-1);
    const isOne = points.filter((other) => other.name.endsWith(`/${short}`)).length < 2;
    const [[cx, cy], words] = [at(each), each.label.endsWith("(incumbent)") ? "incumbent" : isOne ? short : each.name];
    const width = 0.62 * size * words.length;
    const spots = [-5, size + 2, size / 3].flatMap((down) => [cx + 9, cx - 9 - width].map((x) => box(x, cy + down, width, size)));
    const free = spots.find((spot) => spot.x > LEFT && spot.right < W && !taken.some((other) => meet(spot, other)));
    if (!free) continue;
    taken.push(free);
    found.set(each, [free.x, free.y, words]);
  }
  return found;
}

const box = (x, y, width, height) => ({ x, y, right: x + width, top: y - height });
const meet = (a, b) => a.x < b.right && b.x < a.right && a.top < b.y && b.top < a.y;

const shares = (row) => Object.entries(row.weights).sort(([, a], [, b]) => b - a).map(([name, weight]) => `${name} ${percent(weight)}`).join(", ");

const COLUMNS = [
  { title: "Wish", text: (row) => row.label },
  { title: "Success", text: (row) => right(row.success), value: (row) => row.success, isNumber: true },
  { title: "90 % interval", text: (row) => row.success_interval.map(right).join(" – "), value: (row) => row.success_interval[0], isNumber: true },
  { title: "Cost", unit: "$ per 1,000", text: cost, value: (row) => row.usd_per_request, isNumber: true },
  { title: "Who gets how much", text: (row) => (row.is_held ? "" : "not certain: ") + shares(row) },
];

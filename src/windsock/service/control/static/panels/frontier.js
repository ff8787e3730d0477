// Cost against success: what each wish would give, where the route stands, and each deployment alone.

import { choose, drawn, element, field, named, once, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { dash, many, percent, usd } from "../words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [640, 320, 52, 40, 16, 20];
const WISHES = { today: "today", deployment: "all to", quality: "quality", floor: "floor", value: "a success worth" };
const BELOW = ["today", "economy", "high"];
const ALL = "all its traffic";
const SHAPES = { today: 6, deployment: 4, quality: 5, value: 2.5 };

export const every = 15;

export const load = async (ask) => (await ask.get("/v1/frontier")).data;

export function draw(place, data, ask) {
  const found = data.find((each) => each.route === ask.args.get("route")) ?? data[0];
  pick(place, ask, data, found);
  if (!found?.over_route.length) {
    sentence(place, "in-short", "Nobody can serve this route just now.");
    return;
  }
  const task = found.by_task.find((each) => each.task === ask.args.get("of"));
  const points = task ? task.prospects : found.over_route;
  sentence(place, "in-short", inShort(found));
  const plot = section(place, "frontier", "Cost against success", "$ per 1,000 requests, success as believed now");
  once(plot, "picture", () => element("div", "scatter")).replaceChildren(picture(points, found));
  const twin = section(place, "wishes", "Each wish", "what it would cost and deliver");
  const rows = points.map((each) => ({ ...each, isIncumbent: isIncumbent(each, found) }));
  table(twin, "wishes-table", COLUMNS, rows, { caption: "What each wish would cost and deliver", key: (row) => `${row.kind} ${row.name}`, mark: (row) => (row.is_held ? "" : "out") });
}

/** Which route, and all of its traffic or one task. */
function pick(place, ask, data, found) {
  const box = once(place, "of", () => {
    const made = element("p", "picks", field("Route", {}, "select"), field("Of", {}, "select"));
    const [route, of] = [...made.children].map((each) => each.input);
    route.addEventListener("change", () => ask.change({ route: route.value, of: null }));
    of.addEventListener("change", () => ask.change({ of: of.value === ALL ? null : of.value }));
    return made;
  });
  const [route, of] = [...box.children].map((each) => each.input);
  choose(route, data.map((each) => each.route), found?.route);
  choose(of, [ALL, ...(found?.by_task ?? []).map((each) => each.task)], ask.args.get("of") ?? ALL);
}

const isIncumbent = (each, found) => each.kind === "deployment" && each.name === found.incumbent;
const right = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

function inShort(found) {
  const today = found.over_route.find((each) => each.kind === "today");
  const judged = found.by_task.some((each) => each.rewards > 0);
  const told = [`${found.route} stands at ${right(today.success)} for ${usd(1000 * today.usd_per_request)} per 1,000 requests, over ${many(found.tasks, "task")}`];
  if (!judged) told.push("nobody has judged an answer yet, so success is a guess");
  if (found.reference) told.push(`quality is measured by ${found.reference.deployment}`);
  if (found.incumbent) told.push(`the incumbent is ${found.incumbent}`);
  return `${told.join("; ")}.`;
}

const label = (each) => (each.kind === "today" ? "today" : each.kind === "value" ? `${WISHES.value} ${usd(each.value_usd)}` : `${WISHES[each.kind]} ${each.name}`);

/** Points with a name each, in an SVG; its twin is the table below. */
function picture(points, found) {
  const shown = points.filter((each) => each.kind in SHAPES);
  const [x, lowest, highest] = across(shown.map((each) => 1000 * each.usd_per_request));
  const low = Math.min(...shown.map((each) => each.success));
  const high = Math.max(...shown.map((each) => each.success));
  const y = (success) => HEIGHT - BOTTOM - ((success - low) / (high - low || 1)) * (HEIGHT - BOTTOM - TOP);
  const place = (each) => [x(1000 * each.usd_per_request), y(each.success)];
  const line = shown.filter((each) => each.kind === "value").map((each) => place(each).map((n) => n.toFixed(1)).join(",")).join(" ");
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Cost against success; the table below has the same figures" },
    drawn("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM + 8}H${WIDTH - RIGHT}` }),
    ...[[high, "end"], [low, "end"]].map(([value, anchor]) => drawn("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": anchor }, percent(value))),
    drawn("text", { x: LEFT, y: HEIGHT - 10 }, usd(lowest)),
    drawn("text", { x: WIDTH - RIGHT, y: HEIGHT - 10, "text-anchor": "end" }, usd(highest)),
    drawn("polyline", { class: "ladder", points: line }),
    ...shown.map((each) => point(each, place(each), found)),
  );
}

function point(each, [cx, cy], found) {
  const isToday = each.kind === "today", isKept = isIncumbent(each, found);
  const mark = drawn("circle", { cx, cy, r: SHAPES[each.kind] });
  const words = `${label(each)}: ${right(each.success)}, ${usd(1000 * each.usd_per_request)} per 1,000 requests`;
  const parts = [mark, drawn("title", {}, words)];
  if (each.kind === "quality" || isToday || isKept) {
    const isLeft = cx > WIDTH * 0.8;
    parts.push(drawn("text", { x: cx + (isLeft ? -9 : 9), y: cy + (BELOW.includes(each.name) ? 17 : -7), "text-anchor": isLeft ? "end" : "start" }, isKept ? "incumbent" : each.name));
  }
  return drawn("g", { class: `point ${each.kind}${isKept ? " incumbent" : ""}` }, ...parts);
}

/** A scale, logarithmic where nothing is free; with its ends. */
function across(dollars) {
  const [low, high] = [Math.min(...dollars), Math.max(...dollars)];
  const scale = low > 0 ? Math.log : (value) => value;
  const wide = scale(high) - scale(low) || 1;
  return [(value) => LEFT + 12 + ((scale(value) - scale(low)) / wide) * (WIDTH - LEFT - RIGHT - 24), low, high];
}

function shares(row) {
  if (row.kind === "deployment") return row.isIncumbent ? "the incumbent" : dash;
  return Object.entries(row.weights).sort(([, a], [, b]) => b - a).filter(([, weight]) => weight >= 0.02).map(([name, weight]) => `${name} ${percent(weight)}`).join(", ");
}

const COLUMNS = [
  { title: "Wish", text: (row) => (row.kind === "deployment" ? named(row.name) : label(row)), value: label },
  { title: "Success", text: (row) => right(row.success), value: (row) => row.success, isNumber: true },
  { title: "From", unit: "90 %", text: (row) => right(row.success_interval[0]), value: (row) => row.success_interval[0], isNumber: true },
  { title: "To", unit: "90 %", text: (row) => right(row.success_interval[1]), value: (row) => row.success_interval[1], isNumber: true },
  { title: "Cost", unit: "$ per 1,000", text: (row) => usd(1000 * row.usd_per_request), value: (row) => row.usd_per_request, isNumber: true },
  { title: "Held", text: (row) => (row.kind !== "floor" ? dash : row.is_held ? "yes" : "not certain"), value: (row) => Number(row.is_held) },
  { title: "Who gets how much", text: shares },
];

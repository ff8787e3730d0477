// What if: a slider for every price, the floor and the budget; the split, success and bill that they would give.

import { bar, button, choose, element, facts, field, keyed, named, once, section, sentence, write } from "../elements.js";
import { table } from "../tables.js";
import { percent, usd } from "../words.js";

const WAIT_MS = 120;
const DAY = "24h";
/** A slider's 0 is "as it is"; its ends are a quarter and four times of it. */
const factorOf = (position) => 2 ** (position / 50);
const QUALITIES = ["economy", "balanced", "high", "max"];

let state = null;

export async function load({ get, args }) {
  const [routes, prices, report] = await Promise.all([get("/v1/routes"), get("/v1/prices"), get(`/v1/report?since=${DAY}&by=route,task&sample=0&limit=100000`)]);
  const route = routes.data.find((each) => each.route === args.get("route")) ?? routes.data[0];
  return { route, prices: prices.data.filter((each) => route?.candidates.includes(each.deployment)), requests: report.data.filter((each) => each.route === route?.route) };
}

export function draw(place, found, ask) {
  if (!found.route) return sentence(place, "none", "No route is configured: name one under [routes] in windsock.toml.");
  state = { ...found, ask, factors: {}, aims: {} };
  const box = section(place, "what-if", "What if", `route ${found.route.route}, nothing changes by asking`);
  const two = once(box, "two", () => element("div", "two", element("div"), element("div")));
  sliders(two.firstChild);
  state.result = two.lastChild;
  return asked();
}

function sliders(place) {
  place.replaceChildren();
  const { route, prices } = state;
  place.append(element("h3", "", "Aims"));
  if (route.objective !== null) {
    floorSlider(place, "Quality floor", "quality_floor", route);
    floorSlider(place, "Floor of the route", "route_quality_floor", route);
  }
  if (route.objective === "quality") qualityChoice(place, route);
  budgetSlider(place, route);
  place.append(element("h3", "", "Prices", element("small", "", " $ per 1M, in / out")));
  for (const price of prices) priceSlider(place, price);
  place.append(button("As it is", () => draw(place.closest(".view"), state, state.ask), "plain"));
}

/** A range with what it stands for beside it; `tell(position)` says it and takes it in. */
function slider(place, label, range, tell) {
  const input = element("input");
  Object.assign(input, { type: "range", ...range });
  input.value = range.value;
  const text = element("output", "", tell(Number(input.value)));
  input.addEventListener("input", () => {
    write(text, tell(Number(input.value)));
    later();
  });
  place.append(element("label", "slider", element("span", "", label), input, text));
}

function priceSlider(place, price) {
  if (!price.is_priced) return;
  const { input, output } = price.usd_per_mtok;
  slider(place, named(price.deployment), { min: -100, max: 100, step: 1, value: 0 }, (position) => {
    const factor = factorOf(position);
    if (position) state.factors[price.deployment] = factor;
    else delete state.factors[price.deployment];
    const change = position ? `  ${factor >= 1 ? "+" : "−"}${Math.abs((factor - 1) * 100).toFixed(0)} %` : "";
    return `${[input, output].map((each) => usd(each === undefined ? null : each * factor)).join(" / ")}${change}`;
  });
}

function floorSlider(place, label, name, route) {
  const now = Math.round((route[name] ?? 0) * 100);
  slider(place, label, { min: 0, max: 99, step: 1, value: now }, (position) => {
    state.aims[name] = position === now ? undefined : position / 100;
    return position ? `${position} %` : "none";
  });
}

function qualityChoice(place, route) {
  const choice = field("Quality", {}, "select");
  choose(choice.input, QUALITIES, route.quality);
  choice.input.addEventListener("change", () => {
    state.aims.quality = choice.input.value === route.quality ? undefined : choice.input.value;
    later();
  });
  place.append(choice);
}

/** A budget that chooses goes with the question; one that only stops is held against the bill here. */
function budgetSlider(place, route) {
  const name = route.usd_per_request === null ? "usd_per_day" : "usd_per_request";
  const now = route[name];
  if (now === null) return;
  slider(place, `Budget ${name === "usd_per_day" ? "a day" : "a request"}`, { min: -100, max: 100, step: 1, value: 0 }, (position) => {
    const amount = now * factorOf(position);
    state.aims[name] = position && route.objective === "budget" ? amount : undefined;
    state.capUsd = name === "usd_per_day" ? amount : null;
    return usd(amount);
  });
}

function later() {
  clearTimeout(state.timer);
  state.timer = setTimeout(asked, WAIT_MS);
}

/** One question at a time; what comes back for an older one is not shown. */
async function asked() {
  const mine = (state.asked = Symbol("question"));
  const prices = Object.fromEntries(state.prices.filter(({ deployment }) => deployment in state.factors).map(({ deployment, usd_per_mtok: meters }) => [
    deployment, Object.fromEntries(Object.entries(meters).map(([meter, price]) => [meter, price * state.factors[deployment]])),
  ]));
  const task = state.ask.args.get("task");
  const body = { prices, route: state.route.route, ...(task ? { task } : {}), ...state.aims };
  try {
    const { data } = await state.ask.post("/v1/whatif", body, state.ask.signal);
    if (state.asked === mine) show(data);
  } catch (error) {
    if (error.name === "AbortError") return;
    sentence(state.result, "refused", error.message, "refused");
  }
}

/** Tasks together, each by its part of the last day's requests; alike where there were none. */
function show(cells) {
  state.result.querySelector(".refused")?.remove();
  const counted = cells.map((cell) => state.requests.find((each) => each.task === cell.task)?.requests ?? 0);
  const all = counted.reduce((sum, each) => sum + each, 0);
  const parts = counted.map((each) => (all ? each / all : 1 / cells.length));
  const mean = (pick) => (cells.some((cell) => pick(cell) === null) ? null : cells.reduce((sum, cell, index) => sum + parts[index] * pick(cell), 0));
  const isAsItIs = !Object.keys(state.factors).length && Object.values(state.aims).every((each) => each === undefined);
  const [now, then] = ["now", isAsItIs ? "now" : "then"].map((time) => ({ success: mean((cell) => cell[`success_${time}`]), usd: mean((cell) => cell[`usd_per_request_${time}`]), weight: (name) => mean((cell) => cell[`weights_${time}`][name] ?? 0) }));
  facts(state.result, "facts", [
    ["Success", moved(percent(now.success), percent(then.success))],
    ["Bill a day", all ? moved(usd(now.usd * all), usd(then.usd * all)) : "no requests in the last day"],
    ["1,000 requests", moved(usd(now.usd * 1000), usd(then.usd * 1000))],
    ["Requests a day", all.toLocaleString("en")],
  ]);
  sentence(state.result, "note", [...new Set(cells.map((cell) => cell.note_then).filter(Boolean)), capped(then.usd * all)].filter(Boolean).join("; "), "quiet");
  split(now, then, cells);
}

function moved(now, then) {
  return now === then ? now : element("span", "", element("span", "quiet", `${now} → `), element("b", "", then));
}

function capped(bill) {
  if (!state.capUsd || state.route.objective === "budget" || bill <= state.capUsd) return "";
  return `the day's budget would be spent after ${(24 * state.capUsd / bill).toFixed(1)} h`;
}

function split(now, then, cells) {
  const names = [...new Set(cells.flatMap((cell) => [...Object.keys(cell.weights_now), ...Object.keys(cell.weights_then)]))];
  names.sort((a, b) => then.weight(b) - then.weight(a));
  table(state.result, "split", [
    { title: "Deployment", text: named },
    { title: "Now", isNumber: true, text: (name) => percent(now.weight(name)), value: now.weight },
    { title: "Then", text: (name) => bar(then.weight(name), percent(then.weight(name)), state.route.candidates.indexOf(name)), value: then.weight },
  ], names, { caption: "Split now and then", key: (name) => name });
}

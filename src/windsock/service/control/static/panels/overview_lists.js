// Keys, tables and lists of the overview, kept in place: a cell is written only when its text changes.

import { colourOf, drawn, element, keyed, named, swatch, write } from "../elements.js";
import { ago, clock, count, dash, millisPair, percent, told, usd } from "../words.js";

const SHOWN = 20;

export function key(list, view, texts) {
  keyed(list, view.deployments, (name) => {
    const item = element("li");
    item.append(swatch(view.deployments.indexOf(name)), named(name), element("b"));
    return item;
  }).forEach((item, index) => write(item.lastChild, texts[index]));
}

export function twin(table, view, texts) {
  keyed(table.tBodies[0], view.deployments, (name) => {
    const row = element("tr");
    const head = element("th", "", name);
    head.scope = "row";
    row.append(head, element("td"));
    return row;
  }).forEach((row, index) => write(row.lastChild, texts[index]));
}

export function deployments(table, view) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim().replace(/ (?=[$\d])| (?=p50)/, ", "));
  const { rows, ruled_out: out } = view.table;
  const facts = new Map(rows.map((row) => [row.deployment, row]));
  const names = [...facts.keys(), ...Object.keys(out).filter((name) => !facts.has(name))];
  keyed(table.tBodies[0], names, () => element("tr")).forEach((row, index) => {
    const name = names[index];
    const kind = facts.has(name) ? "in" : "out";
    if (row.dataset.kind !== kind) fresh(row, name, kind, view, heads);
    if (kind === "in") fill(row, facts.get(name));
    else write(row.cells[1].firstChild, out[name]);
  });
}

function fresh(row, name, kind, view, heads) {
  row.dataset.kind = kind;
  const head = element("th");
  head.scope = "row";
  head.append(swatch(view.deployments.indexOf(name)), named(name));
  if (kind === "out") {
    const why = element("td", "why");
    why.colSpan = heads.length - 1;
    why.append(element("span"));
    return row.replaceChildren(head, why);
  }
  const cells = heads.slice(1).map((text, index) => {
    const cell = element("td", [2, 3, 4, 5].includes(index) ? "num" : "");
    cell.dataset.head = text;
    cell.append(element("span"));
    return cell;
  });
  cells[0].prepend(bar(view.deployments.indexOf(name)));
  cells[1].append(whisker());
  return row.replaceChildren(head, ...cells);
}

function bar(index) {
  const track = element("i", `bar c${colourOf(index)}`);
  track.append(element("i"));
  return track;
}

function whisker() {
  const picture = drawn("svg", { class: "whisker", viewBox: "0 0 80 10", "aria-hidden": "true" });
  picture.append(
    drawn("line", { x1: 0, x2: 80, y1: 5, y2: 5, class: "track" }),
    drawn("line", { y1: 5, y2: 5, class: "range" }),
    drawn("circle", { cy: 5, r: 3 }),
  );
  return picture;
}

function fill(row, facts) {
  const cells = row.cells;
  const texts = [
    percent(facts.weight),
    `${Math.round(facts.success * 100)} % (${Math.round(facts.low * 100)}–${Math.round(facts.high * 100)})`,
    count(facts.n),
    `${usd(facts.input)} / ${usd(facts.output)}`,
    usd(facts.usd * 1000),
    millisPair(facts.p50_ms, facts.p95_ms),
    facts.feed ? `${facts.feed}, ${ago(facts.age_s)}` : dash,
    facts.limits.map((each) => each.replace(/ price$/, "")).join(", ") || dash,
  ];
  texts.forEach((text, index) => write(cells[index + 1].querySelector("span"), text));
  cells[1].querySelector(".bar > i").style.width = `${facts.weight * 100}%`;
  const [, range, mean] = cells[2].querySelector("svg").children;
  range.setAttribute("x1", 80 * facts.low);
  range.setAttribute("x2", 80 * facts.high);
  mean.setAttribute("cx", 80 * facts.success);
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

// What every view is made of. Text goes in by textContent only: names come from feeds and clients.

import { dash } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export const COLOURS = 8;
export const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

export const colourOf = (index) => index % COLOURS;
/** Changes with every colour, and once more each time the colours start over: 32 distinct keys. */
export const dashOf = (index) => DASHES[(index + Math.floor(index / COLOURS)) % DASHES.length];

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

export function element(tag, className = "", ...inside) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside);
  return node;
}

export function drawn(tag, facts, ...inside) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
  node.append(...inside);
  return node;
}

/** The child of this name, made once: drawing again finds what was drawn before. */
export function once(parent, name, make) {
  const known = [...parent.children].find((node) => node.dataset.name === name);
  if (known) return known;
  const node = make();
  node.dataset.name = name;
  parent.append(node);
  return node;
}

/** Children of `parent` by name, in this order: old ones reused, missing ones made, others removed. */
export function keyed(parent, names, make) {
  const old = new Map([...parent.children].map((node) => [node.dataset.name, node]));
  const nodes = names.map((name) => {
    const node = old.get(name) ?? make(name);
    node.dataset.name = name;
    return node;
  });
  if (nodes.length !== parent.children.length || nodes.some((node, index) => parent.children[index] !== node)) parent.replaceChildren(...nodes);
  return nodes;
}

/** A part of a view with a heading, and what its figures are in; the same node each time. */
export function section(place, name, title, unit = "") {
  const node = once(place, name, () => {
    const made = element("section", "panel", element("div", "head", element("h2", "", title), element("p", "unit")));
    made.firstChild.firstChild.id = `${name}-title`;
    made.setAttribute("aria-labelledby", `${name}-title`);
    return made;
  });
  write(node.querySelector(".unit"), unit);
  return node;
}

/** A sentence of a view. */
export function sentence(place, name, text, className = "summary") {
  return write(once(place, name, () => element("p", className)), text);
}

/** Facts as pairs; a value is a text or a node, and what is not known is a dash. */
export function facts(place, name, pairs) {
  const list = once(place, name, () => element("dl", "facts"));
  keyed(list, pairs.map(([term]) => term), (term) => element("div", "", element("dt", "", term), element("dd")))
    .forEach((node, index) => filled(node.lastChild, pairs[index][1]));
  return list;
}

/** A cell with a text or a node in it, touched only if that has changed. */
export function filled(cell, value) {
  if (value instanceof Node) {
    if (cell.childNodes.length !== 1 || !cell.firstChild.isEqualNode(value)) cell.replaceChildren(value);
  } else write(cell, value ?? dash);
  return cell;
}

export function button(text, act, className = "") {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

/** A link to another view of this page. */
export function link(view, args, ...inside) {
  const node = element("a", "", ...inside);
  node.href = `#/${view}?${new URLSearchParams(args)}`;
  return node;
}

/** A field with its label; `facts` are attributes of the input. */
export function field(label, facts, tag = "input") {
  const input = element(tag);
  for (const [name, value] of Object.entries(facts)) input.setAttribute(name, value);
  return Object.assign(element("label", "", element("span", "", label), input), { input });
}

/** Options of a select, kept as they are while they are right. */
export function choose(select, values, chosen) {
  if (select.length === 0 || [...select.options].map((each) => each.value).join("\n") !== values.join("\n")) {
    const options = values.map((value) => new Option(value || "all", value));
    select.replaceChildren(...(options.length ? options : [new Option("none yet", "")]));
  }
  if (document.activeElement !== select || select.value === "") select.value = chosen ?? values[0] ?? "";
  select.disabled = values.length === 0;
  return select;
}

/** The colour and dash of a line. */
export function swatch(index) {
  return drawn("svg", { class: `swatch c${colourOf(index)}`, viewBox: "0 0 22 12", "aria-hidden": "true" },
    drawn("rect", { width: 22, height: 12, rx: 2, fill: "currentColor", opacity: 0.16 }),
    drawn("line", { x1: 1, x2: 21, y1: 6, y2: 6, stroke: "currentColor", "stroke-width": 2.5, "stroke-dasharray": dashOf(index).join(" ") }),
  );
}

/** A deployment id that may break after its provider. */
export function named(name) {
  const [provider, ...model] = name.split("/");
  if (!model.length) return element("span", "id", name);
  return element("span", "id", element("span", "quiet", `${provider}/`), element("wbr"), model.join("/"));
}

/** A share as a bar with its figure beside it. */
export function bar(share, text, index = 0) {
  const inside = element("i");
  inside.style.width = `${Math.min(1, share ?? 0) * 100}%`;
  return element("span", "barred", element("i", `bar c${colourOf(index)}`, inside), element("span", "", text));
}

/** What a colour of the style sheet is now, in light or dark, as the canvas wants it. */
export function ink(name) {
  const probe = document.getElementById("state");
  const before = probe.style.color;
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.style.color = before;
  return found;
}

export const faint = (colour, alpha) => colour.replace(/^rgb\((\d+), (\d+), (\d+)\)$/, `rgb($1 $2 $3 / ${alpha})`);

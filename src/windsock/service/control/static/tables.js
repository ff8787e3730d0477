// Tables that sort and filter; the order and the words sought stay while rows come and go.

import { element, filled, keyed, once, write } from "./elements.js";

const FILTER_FROM = 12;

/**
 * A table in `place`, drawn anew in place.
 *
 * columns   {title, unit?, text(row) -> text or node, value?(row) to sort by, isNumber?}; the first names the row
 * rows      facts, `key(row)` names each
 * more      {caption, key, none: what is said where there is no row, open?(row) on a click, sort?: [column, -1 or 1], mark?(row) -> kind, isFiltered?: false where the view filters by itself}
 */
export function table(place, name, columns, rows, { caption, key, none = "Nothing yet.", open, sort = null, mark, isFiltered = true }) {
  const box = once(place, name, () => made(columns, caption, sort));
  Object.assign(box.known, { columns, rows, key, open, mark });
  write(box.none, rows.length ? "" : none);
  box.none.hidden = rows.length > 0;
  box.table.hidden = rows.length === 0;
  box.filter.hidden = !isFiltered || rows.length < FILTER_FROM && !box.filter.firstChild.value;
  show(box);
  return box;
}

/** A column of one number of a row, told by `format`; sorted by the number. */
export function figure(title, name, format, unit) {
  return { title, unit, text: (row) => format(row[name]), value: (row) => row[name], isNumber: true };
}

function made(columns, caption, sort) {
  const box = element("div", "tabled");
  const sought = element("input");
  Object.assign(sought, { type: "search", placeholder: "filter", autocomplete: "off" });
  sought.setAttribute("aria-label", `Filter: ${caption}`);
  sought.addEventListener("input", () => show(box));
  const head = element("tr", "", ...columns.map((column, index) => heading(box, column, index)));
  box.filter = element("p", "filter", sought);
  box.none = element("p", "quiet none");
  box.table = element("table", "grid", element("caption", "unseen", caption), element("thead", "", head), element("tbody"));
  box.known = { order: sort };
  box.append(box.filter, box.none, box.table);
  return box;
}

function heading(box, column, index) {
  const turn = element("button", "sort", column.title, ...(column.unit ? [element("small", "", column.unit)] : []));
  turn.type = "button";
  turn.addEventListener("click", () => {
    const [by, way] = box.known.order ?? [];
    box.known.order = [index, by === index ? -way : column.isNumber ? -1 : 1];
    show(box);
  });
  const cell = element("th", column.isNumber ? "num" : "", turn);
  cell.scope = "col";
  return cell;
}

function show(box) {
  const { columns, key, open, mark, order } = box.known;
  const rows = sorted(sought(box), columns, order);
  [...box.table.tHead.rows[0].cells].forEach((cell, index) => cell.setAttribute("aria-sort", order?.[0] === index ? (order[1] > 0 ? "ascending" : "descending") : "none"));
  keyed(box.table.tBodies[0], rows.map(key), () => line(box, columns)).forEach((node, index) => {
    node.facts = rows[index];
    node.classList.toggle("opens", Boolean(open));
    if (mark) node.dataset.kind = mark(rows[index]) ?? "";
    columns.forEach((column, place) => filled(node.cells[place].firstChild, column.text(rows[index])));
  });
}

function line(box, columns) {
  const node = element("tr");
  node.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, input")) box.known.open?.(node.facts);
  });
  node.append(...columns.map((column, index) => {
    const cell = element(index ? "td" : "th", column.isNumber ? "num" : "", element("span"));
    if (index) cell.dataset.head = column.unit ? `${column.title}, ${column.unit}` : column.title;
    else cell.scope = "row";
    return cell;
  }));
  return node;
}

function textOf(value) {
  return value instanceof Node ? value.textContent : String(value ?? "");
}

function sought({ known: { rows, columns }, filter }) {
  const words = filter.firstChild.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const all = columns.map((column) => textOf(column.text(row))).join(" ").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** What is not known comes last, whichever way. */
function sorted(rows, columns, order) {
  if (!order) return rows;
  const [index, way] = order;
  const value = columns[index].value ?? ((row) => textOf(columns[index].text(row)));
  return [...rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null) ? 0 : (a ?? null) === null ? 1 : -1;
    return way * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
}

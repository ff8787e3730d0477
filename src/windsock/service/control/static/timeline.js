// A chart over time with its key and its table; a part dragged over becomes the page's time range.

/* global uPlot */
import { colourOf, dashOf, element, faint, ink, keyed, named, once, swatch, write } from "./elements.js";
import { moment, when } from "./words.js";

const AXIS_W = 56;
const MOST_TOLD = 24;
const charts = new Set();

/**
 * A chart in `place`, drawn anew in place.
 *
 * at        unix s, rising
 * series    {name: values}, null where it is not known
 * more      {caption, format(value), isStacked?, isStepped?, top?: the axis' upper end, zoom?(from, to)}
 */
export function timeline(place, name, at, series, more) {
  const box = once(place, name, () => made(more));
  box.facts = { at, series, more };
  const shape = JSON.stringify(Object.keys(series));
  if (shape !== box.shape) {
    box.shape = shape;
    build(box);
  }
  box.plot.setData([at, ...columns(box.facts)]);
  twin(box);
  tell(box, null);
  return box;
}

/** Colours were changed: light, or dark. */
export function recolour() {
  for (const box of charts) {
    if (!box.isConnected) charts.delete(box);
    else if (box.facts) {
      build(box);
      box.plot.setData([box.facts.at, ...columns(box.facts)]);
    }
  }
}

function made({ caption }) {
  const box = element("div", "pair");
  box.picture = element("div", "plot");
  box.picture.setAttribute("role", "img");
  box.picture.setAttribute("aria-label", caption);
  box.key = element("ul", "key");
  box.key.setAttribute("aria-hidden", "true");
  box.twin = element("table", "", element("caption", "", caption), element("thead", "", element("tr")), element("tbody"));
  box.append(box.picture, box.key, element("div", "unseen", box.twin));
  new ResizeObserver(() => box.plot?.setSize(size(box))).observe(box.picture);
  charts.add(box);
  return box;
}

const size = ({ picture }) => ({ width: Math.max(200, picture.clientWidth), height: picture.clientHeight || 220 });

function build(box) {
  box.plot?.destroy();
  const { series, more } = box.facts;
  const paths = more.isStepped === false ? undefined : uPlot.paths.stepped({ align: 1 });
  const names = Object.keys(series);
  const inks = names.map((_, index) => ink(`--c${colourOf(index)}`));
  box.plot = new uPlot({
    ...size(box), legend: { show: false }, padding: [8, 20, 0, 0],
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), more.top ?? ((high || 1) * 1.1)] } },
    cursor: { y: false, drag: { x: Boolean(more.zoom), y: false, setScale: false } },
    series: [{}, ...names.map((label, index) => ({
      label, stroke: inks[index], width: more.isStacked ? 1 : 2, dash: more.isStacked ? undefined : dashOf(index), points: { show: names.length === 1 && box.facts.at.length < 2 }, paths,
      ...(more.isStacked && index === 0 ? { fill: faint(inks[0], 0.72) } : {}),
    }))],
    bands: more.isStacked ? names.slice(1).map((_, index) => ({ series: [index + 2, index + 1], fill: faint(inks[index + 1], 0.72) })) : [],
    axes: [
      axis({ values: (_, ticks) => ticks.map((tick, index) => moment(tick, ticks[1] - ticks[0], index === 0)), space: 90, size: 30 }),
      axis({ size: AXIS_W, values: (_, ticks) => ticks.map((tick) => more.format(tick)) }),
    ],
    hooks: {
      setCursor: [(plot) => tell(box, plot.cursor.idx ?? null)],
      setSelect: [(plot) => zoomed(box, plot)],
    },
  }, [[]], box.picture);
}

function axis(more) {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return { stroke: ink("--quiet"), font, gap: 6, ticks: { show: false }, grid: { stroke: ink("--line"), width: 1 }, ...more };
}

function zoomed({ facts: { more } }, plot) {
  const { left, width } = plot.select;
  if (width < 4) return;
  more.zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** As they are, or as running sums, so that each band lies on the one before. */
function columns({ at, series, more }) {
  if (!more.isStacked) return Object.values(series);
  const sums = new Array(at.length).fill(0);
  return Object.values(series).map((column) => column.map((value, index) => (sums[index] += value ?? 0)));
}

/** Values at the cursor, or the latest. */
function tell(box, index) {
  const { at, series, more } = box.facts;
  const names = Object.keys(series);
  const place = index ?? at.length - 1;
  keyed(box.key, names, (name) => element("li", "", swatch(names.indexOf(name)), named(name), element("b")))
    .forEach((item, each) => write(item.lastChild, more.format(series[names[each]][place] ?? null)));
}

/** The same figures as a table, thinned where there are many moments. */
function twin(box) {
  const { at, series, more } = box.facts;
  const names = Object.keys(series);
  const step = Math.max(1, Math.ceil(at.length / MOST_TOLD));
  const places = at.map((_, index) => index).filter((index) => index % step === 0 || index === at.length - 1);
  box.twin.tHead.rows[0].replaceChildren(...["Time", ...names].map((name) => Object.assign(element("th", "", name), { scope: "col" })));
  box.twin.tBodies[0].replaceChildren(...places.map((index) => element("tr", "",
    Object.assign(element("th", "", when(at[index])), { scope: "row" }),
    ...names.map((name) => element("td", "", more.format(series[name][index] ?? null))))));
}

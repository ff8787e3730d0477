// A chart over time with its key and its table; a part dragged over becomes the page's time range.

/* global uPlot */
import { colourOf, dashOf, element, faint, ink, keyed, named, once, swatch, write } from "./elements.js";
import { earliest, moment, when } from "./words.js";

const AXIS_W = 56;
const MOST_TOLD = 24;
const WHOLE = [1, 2, 5, 10, 20, 50].flatMap((each) => [each, each * 100, each * 1e4, each * 1e6]).sort((a, b) => a - b);
const charts = new Set();

/**
 * A chart in `place`, drawn anew in place.
 *
 * at        unix s, rising
 * series    {name: values}, null where it is not known
 * more      {caption, format(value), isStacked?, isStepped?, isLog?, isWhole?: counts, top?: the axis' upper end, ends?: where the last step does,
 *            marks?: lines at moments, [{at, dash, index?: of the series it concerns}], sync?: charts of one name share their
 *            cursor, cursor?(index or null), zoom(from, to): what a part dragged over does}
 */
export function timeline(place, name, at, series, more) {
  const box = once(place, name, () => made(more));
  box.facts = { at: at.map((each) => Math.max(each, earliest())), series, more }; // a step may begin before a replay does
  const shape = JSON.stringify([Object.keys(series), more.isLog]);
  if (shape !== box.shape) {
    box.shape = shape;
    build(box);
  }
  box.plot.setData(drawnData(box.facts));
  twin(box);
  tell(box, box.plot.cursor.idx ?? null);
  return box;
}

/** Colours were changed: light, or dark. */
export function recolour() {
  for (const box of charts) {
    if (!box.isConnected) charts.delete(box);
    else if (box.facts) {
      build(box);
      box.plot.setData(drawnData(box.facts));
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
  const line = more.isStacked ? faint(ink("--text"), 0.5) : ink("--line-strong");
  box.plot = new uPlot({
    ...size(box), legend: { show: false }, padding: [8, 40, 0, 0],
    scales: { x: { time: true }, y: more.isLog ? { distr: 3, range: logRange } : { range: (_, low, high) => [Math.min(0, low ?? 0), more.top ?? ((high || 1) * 1.1)] } },
    cursor: { y: false, ...(more.sync ? { sync: { key: more.sync, setSeries: false } } : {}), drag: { x: true, y: false, setScale: false } },
    series: [{}, ...names.map((label, index) => ({
      label, stroke: inks[index], width: more.isStacked ? 1 : 2, dash: more.isStacked ? undefined : dashOf(index), points: { show: names.length === 1 && box.facts.at.length < 2 }, paths,
      ...(more.isStacked && index === 0 ? { fill: faint(inks[0], 0.72) } : {}),
    }))],
    bands: more.isStacked ? names.slice(1).map((_, index) => ({ series: [index + 2, index + 1], fill: faint(inks[index + 1], 0.72) })) : [],
    axes: [
      axis({ values: (_, ticks) => ticks.map((tick, index) => moment(tick, ticks[1] - ticks[0], index === 0)), space: 90, size: 30 }),
      axis({ size: AXIS_W, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : more.format(tick))), ...(more.isLog ? { splits: (_, __, low, high) => nice(low, high) } : {}), ...(more.isWhole ? { incrs: WHOLE } : {}) }),
    ],
    hooks: {
      draw: [(plot) => box.facts.more.marks?.forEach((each) => mark(plot, each, line, inks))],
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

/** With the last step as long as it is. */
function drawnData(facts) {
  const data = [facts.at, ...columns(facts)];
  const { ends } = facts.more;
  return ends && facts.at.length ? data.map((column, index) => [...column, index ? column.at(-1) : ends]) : data;
}

/** As they are, or as running sums, so that each band lies on the one before. */
function columns({ at, series, more }) {
  if (!more.isStacked) return Object.values(series);
  const sums = new Array(at.length).fill(0);
  const isKnown = at.map((_, index) => Object.values(series).some((column) => column[index] !== null));
  return Object.values(series).map((column) => column.map((value, index) => (isKnown[index] ? (sums[index] += value ?? 0) : null)));
}

/** A thin line at a moment, with a pin in the colour of the series that it concerns. */
function mark({ ctx, bbox, scales: { x: { min, max } }, valToPos }, { at, dash, index }, line, inks) {
  if (at < min || at > max) return;
  const [x, size] = [Math.round(valToPos(at, "x", true)) + 0.5, 4 * devicePixelRatio];
  ctx.save();
  ctx.setLineDash(dash.map((each) => each * devicePixelRatio));
  Object.assign(ctx, { strokeStyle: line, lineWidth: devicePixelRatio, fillStyle: inks[index] ?? line });
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.beginPath();
  if (index !== undefined) for (const [dx, dy] of [[-size, -size], [size, -size], [0, size]]) ctx.lineTo(x + dx, bbox.top + dy);
  ctx.fill();
  ctx.restore();
}

function logRange(_, low, high) {
  if (!(low > 0)) return [0.1, 10];
  const widen = Math.max(1.25, Math.sqrt(4 / (high / low)));
  return [low / widen, high * widen];
}

/** 1, 2, 5 steps; only powers of ten once there are many. */
function nice(low, high) {
  const factors = high / low > 300 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: Math.ceil(Math.log10(high / low)) + 2 }, (_, index) => Math.floor(Math.log10(low)) + index);
  return powers.flatMap((power) => factors.map((factor) => Number((factor * 10 ** power).toPrecision(1)))).filter((each) => each >= low && each <= high);
}

/** Values at the cursor, or the latest. */
function tell(box, index) {
  const { at, series, more } = box.facts;
  more.cursor?.(index);
  const names = Object.keys(series);
  const place = Math.min(index ?? at.length - 1, at.length - 1);
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

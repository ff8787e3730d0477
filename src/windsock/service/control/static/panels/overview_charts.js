// The two charts: prices as steps, weights as a stack, one x axis and one cursor.

/* global uPlot */
import { colourOf, dashOf, faint, ink } from "../elements.js";
import { clock, percent, usd } from "../words.js";

const MARKED = { "price.shifted": [], "price.released": [], "price.held": [4, 4], "cooldown.began": [1, 3] };
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const AXIS_W = 52;

export class Charts {
  constructor(prices, weights, on) {
    this.places = { prices, weights };
    this.on = on;
    this.shape = "";
    this.view = null;
    new ResizeObserver(() => this.resize()).observe(prices);
  }

  show(view) {
    this.view = view;
    this.isLog = Object.values(view.prices.series).every((column) => column.every((usd) => usd === null || usd > 0));
    const shape = JSON.stringify([view.deployments, this.isLog]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    this.draw();
  }

  rebuild() {
    if (!this.view) return;
    this.build();
    this.draw();
  }

  build() {
    this.prices?.destroy();
    this.weights?.destroy();
    const names = this.view.deployments;
    const inks = names.map((_, index) => ink(`--c${colourOf(index)}`));
    this.inks = inks;
    this.line = ink("--line-strong");
    this.over = faint(ink("--text"), 0.5);
    this.prices = new uPlot(this.options("prices", {
      scales: { x: { time: true }, y: this.isLog ? { distr: 3, range: logRange } : { range: (_, __, high) => [0, (high || 1) * 1.1] } },
      series: [{}, ...names.map((label, index) => ({
        label, stroke: inks[index], width: 2, dash: dashOf(index), points: { show: false }, spanGaps: false,
        paths: uPlot.paths.stepped({ align: 1 }),
      }))],
      axes: [this.axis({ show: false }), this.axis({
        size: AXIS_W, values: (_, ticks) => ticks.map((each) => each === null ? "" : usd(each)),
        ...(this.isLog ? { splits: (_, __, low, high) => nice(low, high) } : {}),
      })],
    }), [[]], this.places.prices);
    this.weights = new uPlot(this.options("weights", {
      scales: { x: { time: true }, y: { range: [0, 1] } },
      series: [{}, ...names.map((label, index) => ({
        label, stroke: inks[index], width: 1, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }),
        ...(index === 0 ? { fill: faint(inks[0], 0.72) } : {}),
      }))],
      bands: names.slice(1).map((_, index) => ({ series: [index + 2, index + 1], fill: faint(inks[index + 1], 0.72) })),
      axes: [this.axis({ values: (_, ticks) => ticks.map((at) => clock(at)), space: 80, size: 30, incrs: TIMES }), this.axis({
        size: AXIS_W, splits: () => [0, 0.25, 0.5, 0.75, 1], values: (_, ticks) => ticks.map((each) => `${each * 100} %`),
      })],
    }), [[]], this.places.weights);
  }

  options(id, more) {
    const { width, height } = this.size(id);
    return {
      width, height, legend: { show: false }, padding: [8, 28, 0, 0],
      cursor: {
        sync: { key: "windsock", setSeries: false }, y: false, drag: { x: false, y: false, setScale: false },
        points: { size: 7, ...(id === "weights" ? { show: false } : {}) },
      },
      hooks: {
        draw: [(plot) => this.mark(plot)],
        setCursor: [(plot) => id === "prices" && this.on.cursor(plot.cursor.idx ?? null)],
      },
      ...more,
    };
  }

  axis(more) {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return {
      stroke: ink("--quiet"), font, gap: 6, ticks: { show: false },
      grid: { stroke: ink("--line"), width: 1 }, ...more,
    };
  }

  draw() {
    const { at, series } = this.view.prices;
    const names = this.view.deployments;
    this.prices.setData([at, ...names.map((name) => series[name])]);
    this.weights.setData([at, ...stacked(at, this.view.weights, names)]);
  }

  /** A thin line at every event that moves traffic. */
  mark(plot) {
    const { ctx, bbox } = plot;
    const { min, max } = plot.scales.x;
    for (const event of marked(this.view)) {
      if (event.at < min || event.at > max) continue;
      const x = Math.round(plot.valToPos(event.at, "x", true)) + 0.5;
      ctx.save();
      ctx.setLineDash(MARKED[event.event].map((each) => each * devicePixelRatio));
      ctx.strokeStyle = plot === this.prices ? this.line : this.over;
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (plot === this.prices) this.pin(ctx, x, bbox.top, event);
      ctx.restore();
    }
  }

  pin(ctx, x, top, event) {
    const size = 4 * devicePixelRatio;
    ctx.fillStyle = this.inks[this.view.deployments.indexOf(event.deployment)] ?? this.line;
    ctx.beginPath();
    ctx.moveTo(x - size, top - size);
    ctx.lineTo(x + size, top - size);
    ctx.lineTo(x, top + size);
    ctx.fill();
  }

  size(id) {
    const place = this.places[id];
    return { width: Math.max(200, place.clientWidth), height: place.clientHeight || 220 };
  }

  resize() {
    this.prices?.setSize(this.size("prices"));
    this.weights?.setSize(this.size("weights"));
  }
}

/** Events worth a line on the charts; the first price of all is none. */
export function marked(view) {
  return view.events.filter((event) => event.event in MARKED && (event.event !== "price.shifted" || event.before));
}

/** Running sums, so that each band lies on the one before; times before the first weight stay empty. */
function stacked(at, weights, names) {
  const place = new Map(weights.at.map((each, index) => [each, index]));
  const sums = new Array(at.length).fill(0);
  return names.map((name) => at.map((each, index) => {
    const found = place.get(each);
    if (found === undefined) return null;
    sums[index] += weights.series[name][found] ?? 0;
    return Math.min(1, sums[index]);
  }));
}

function logRange(_, low, high) {
  if (!(low > 0)) return [0.1, 10];
  const widen = Math.max(1.25, Math.sqrt(4 / (high / low)));
  return [low / widen, high * widen];
}

/** 1, 2, 5 steps; only powers of ten once there are many. */
function nice(low, high) {
  const steps = [];
  const factors = high / low > 300 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) {
      const each = Number((factor * 10 ** power).toPrecision(1));
      if (each >= low && each <= high) steps.push(each);
    }
  }
  return steps;
}

// Numbers and events in words.

export const dash = "–";

/** Dollars with three significant digits and never an exponent: 0.000024, 0.175, 1.20, 12.5. */
export function usd(value) {
  if (value === null || value === undefined) return dash;
  if (value === 0) return "$0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const text = value.toFixed(Math.min(12, Math.max(value < 1000 ? 2 : 0, digits)));
  return text.replace(/(\.\d\d+?)0+$/, "$1").replace(/^-?/, "$&$$");
}

/** Whole percents, one decimal below ten; a share that is small but not nil never reads as 0. */
export function percent(value) {
  if (value === null || value === undefined) return dash;
  if (value > 0 && value < 0.0005) return "<\u00a00.1\u00a0%";
  const digits = value > 0 && value < 0.0995 ? 1 : 0;
  return `${(value * 100).toFixed(digits)}\u00a0%`;
}

export function count(value) {
  return Math.abs(value) < 10 ? String(Math.round(value * 10) / 10) : Math.round(value).toLocaleString("en");
}

/** "1 list", "3 lists". */
export function many(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export function millis(value) {
  if (value === null || value === undefined) return dash;
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** "100 / 147 ms": the unit once where both share it. */
export function millisPair(low, high) {
  if (low === null || low === undefined) return dash;
  const [a, b] = [millis(low), millis(high)];
  const unit = a.split(" ")[1];
  return b.endsWith(` ${unit}`) ? `${a.split(" ")[0]} / ${b}` : `${a} / ${b}`;
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return dash;
  if (seconds < 1) return "just now";
  const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [size, unit] = steps.find(([each]) => seconds >= each);
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function ago(seconds) {
  const text = span(seconds);
  return text === "just now" || text === dash ? text : `${text} ago`;
}

let replayed = null;

/** Where a past is replayed at speed, every moment is told by its date there. */
export function replays(found) {
  replayed = found ?? null;
}

/** Unix s before which there is nothing to show: of a replay its begin. */
export const earliest = () => replayed?.began_at ?? 0;

const DATE = { day: "numeric", month: "short", year: "numeric" };

const dateOf = (at, parts) => new Date(at * 1000).toLocaleDateString("en-GB", replayed ? { ...parts, timeZone: "UTC" } : parts);

function shown(at) {
  if (!replayed) return at;
  return replayed.shows_at + (((at - replayed.began_at) * replayed.pace) % replayed.lasts_s);
}

export function clock(at) {
  return replayed ? dateOf(shown(at), DATE) : new Date(at * 1000).toLocaleTimeString("en-GB");
}

/** A date that was stated, such as the end of a price. */
export function day(at) {
  return dateOf(at, DATE);
}

/** A moment as an axis tells it: the hour while ticks are close, the day where one begins or they lie far apart. */
export function moment(at, step, withDay) {
  if (replayed) return clock(at);
  const date = dateOf(at, { day: "numeric", month: "short" });
  if (step >= 86400) return date;
  const hour = new Date(at * 1000).toLocaleTimeString("en-GB", step < 60 ? {} : { hour: "2-digit", minute: "2-digit" });
  return withDay ? `${date} ${hour}` : hour;
}

/** Date and time, to the second. */
export function when(at) {
  if (at === null || at === undefined) return dash;
  return replayed ? clock(at) : `${moment(at, 86400)} ${clock(at)}`;
}

/** [headline, detail] of one event. */
export function told(event) {
  const from = event.feed ? `, says ${event.feed}` : "";
  switch (event.event) {
    case "price.shifted":
    case "price.released":
      return [
        event.event === "price.released" ? "held price accepted" : event.before ? "price moved" : "first price",
        prices(event) + (event.valid_from ? `, from ${day(event.valid_from)}` : "") + from,
      ];
    case "price.held":
      return ["price held back", `${event.reason}: ${prices(event)}${from}`];
    case "price.disputed":
      return ["price lists disagree", `${prices(event)}${from}; in force is that of ${event.in_force_feed}`];
    case "price.unread":
      return ["price unreadable", `${event.reason}${from}`];
    case "price.vanished":
      return [`no longer listed by ${event.feed}`, facts(event, "feed")];
    case "model.listed":
      return ["new model", `${event.model ?? `${event.count} models`}${from}`];
    case "model.retires":
      return ["model retires", `on ${event.retires_on ?? Object.values(event.dates ?? {}).join(", ")}${from}`];
    case "floor.out_of_reach":
      return ["floor out of reach", `${event.route} ${event.task}: ${percent(event.floor)} asked for, ${percent(event.reachable)} reachable with ${event.best}${event.further?.length ? `; each further point costs ${usd(event.further[0].usd_per_1000_per_point)} per 1,000 requests` : ""}`];
    case "price.went_stale":
      return ["price went stale", facts(event)];
    case "cooldown.began":
      return ["cooldown began", `${span(event.cooldown_s)}; ${facts(event, "cooldown_s")}`];
    case "cooldown.ended":
      return ["cooldown ended", facts(event)];
    default:
      return [event.event.replace(/[._]/g, " "), facts(event)];
  }
}

function prices(event) {
  return Object.entries(event.usd_per_mtok ?? {})
    .map(([meter, now]) => [meter.replace(/_/g, " "), event.before?.[meter], now])
    .filter(([, before, now]) => !event.before || before !== now)
    .map(([meter, before, now]) => before === undefined ? `${meter} ${usd(now)}` : `${meter} ${usd(before)} → ${usd(now)}`)
    .join(", ");
}

function facts(event, ...shown) {
  const known = ["event", "deployment", "at", ...shown];
  return Object.entries(event)
    .filter(([name, value]) => !known.includes(name) && value !== null && value !== "")
    .map(([name, value]) => `${name.replace(/_/g, " ")} ${typeof value === "object" ? JSON.stringify(value) : String(value).replace(/_/g, " ")}`)
    .join(", ");
}

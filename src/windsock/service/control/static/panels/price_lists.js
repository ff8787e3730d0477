// Who says what of every price, what is held back, and what came of it over time.

import { named, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { ago, day, dash, many, told, usd, when } from "../words.js";

const STANDS = { agrees: "agrees", dissents: "disagrees", lags: "is late", held: "held back", refused: "refused", elsewhere: "sold elsewhere" };
const BAD = ["dissents", "held", "refused"];
const MOST = 2000;
const EVENTS = 1000;
const MOST_NAMED = 3;

export const every = 3;

export async function load(ask) {
  const [said, events] = await Promise.all([
    ask.get(`/v1/prices/statements?limit=${MOST}`),
    ask.get(`/v1/events?kind=price&${ask.span()}&limit=${EVENTS}`),
  ]);
  return { said, events: events.data.reverse() };
}

export function draw(place, { said, events }) {
  const now = Date.now() / 1000;
  const rows = said.data;
  const held = rows.filter((row) => row.stands === "held" || row.stands === "refused").length;
  const lists = new Set(rows.map((row) => row.feed)).size;
  sentence(place, "in-short", [`${many(said.total, "statement")} of ${many(lists, "list")}: ${held} held back or refused`, ...doubts(rows)].join("; ") + ".");
  const spoken = section(place, "spoken", "Who says what", "$ per 1M tokens, before contracts");
  table(spoken, "said-table", saidColumns(now), rows, { caption: "What every price list says", key, none: "No list has said anything of a deployment here.", mark: (row) => (BAD.includes(row.stands) ? "bad" : row.stands === "agrees" ? "" : "out") });
  const past = section(place, "past", "What came of it", "accepted, held, disputed, vanished");
  table(past, "past-table", pastColumns, events, { caption: "Prices over time", key: eventKey, none: "Nothing about prices in this time.", sort: [0, -1] });
}

/** Who disagrees, and which prices rest on one list alone: each by name while they are few. */
function doubts(rows) {
  const by = (is, told, noun) => {
    const found = rows.filter(is);
    return found.length > MOST_NAMED ? [`${found.length} ${noun}`] : found.map((row) => `${row.deployment}: ${told(row)}`);
  };
  return [
    ...by((row) => row.stands === "dissents", (row) => `${row.feed} disagrees`, "in dissent"),
    ...by((row) => row.stands === "agrees" && row.provisional_until, (row) => `provisional until ${day(row.provisional_until)}`, "provisional"),
  ];
}

const key = (row) => JSON.stringify([row.deployment, row.feed, row.feed_model, row.valid_from, row.stands]);
const eventKey = (event) => JSON.stringify([event.at, event.event, event.deployment, event.feed, event.usd_per_mtok]);
const price = (row) => `${usd(row.input)} / ${usd(row.output)}`;

function times(found) {
  if (found === null) return dash;
  return found > 0 && found < 0.01 ? "< 0.01 ×" : `${found.toFixed(2)} ×`;
}

const shared = [
  { title: "Deployment", text: (row) => named(row.deployment), value: (row) => row.deployment },
  { title: "List", text: (row) => row.feed },
  { title: "In / out", unit: "$ per 1M", text: price, value: (row) => row.input, isNumber: true },
  figure("Of that in force", "times_in_force", times),
];

function saidColumns(now) {
  return [
    ...shared,
    figure("Trust", "trust", String),
    { title: "Said", text: (row) => ago(now - row.said_at), value: (row) => row.said_at },
    { title: "Counts as", text: (row) => STANDS[row.stands], value: (row) => BAD.indexOf(row.stands) },
    { title: "Why", text: (row) => [row.reason, released(row)].filter(Boolean).join("; ") },
  ];
}

function released(row) {
  if (row.stands !== "held") return row.provisional_until ? `provisional until ${day(row.provisional_until)}` : "";
  const polls = row.needs_polls === null ? "" : `released after ${row.needs_polls} equal polls, ${row.polls} so far`;
  const until = row.needs_until === null ? "" : `not before ${when(row.needs_until)}`;
  const announced = row.valid_from === null ? "" : `announced for ${day(row.valid_from)}`;
  return [polls, until, announced].filter(Boolean).join("; ") || "released by another list, a bill or a person";
}

const pastColumns = [
  { title: "When", text: (event) => when(event.at), value: (event) => event.at },
  { title: "Deployment", text: (event) => (event.deployment ? named(event.deployment) : dash), value: (event) => event.deployment },
  { title: "List", text: (event) => event.feed ?? dash },
  { title: "What", text: (event) => told(event)[0] },
  { title: "Facts", text: (event) => told(event)[1] },
];

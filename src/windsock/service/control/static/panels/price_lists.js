// Who says what of every price, what is held back, and what came of it over time.

import { button, element, named, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { ago, day, dash, many, told, usd, when } from "../words.js";

const STANDS = { agrees: "agrees", dissents: "disagrees", lags: "is late", held: "held back", refused: "refused", elsewhere: "sold elsewhere" };
const BAD = ["dissents", "held", "refused"];
const MOST = 2000;
const EVENTS = 1000;
const KEPT_MS = 1000; // events reach the store within a second

export const every = 10;

export async function load(ask) {
  const { since, until } = ask.range();
  const end = until === null ? "" : `&until=${until}`;
  const [said, events, canRule] = await Promise.all([
    ask.get(`/v1/prices/statements?limit=${MOST}`),
    ask.get(`/v1/events?kind=price&since=${since}${end}&limit=${EVENTS}`),
    ask.isAdmin(),
  ]);
  return { said, events: events.data.reverse(), canRule };
}

export function draw(place, { said, events, canRule }, ask) {
  const now = Date.now() / 1000;
  const rows = said.data;
  const held = rows.filter((row) => row.stands === "held" || row.stands === "refused");
  const lists = new Set(rows.map((row) => row.feed)).size;
  const dissent = rows.filter((row) => row.stands === "dissents").length;
  sentence(place, "in-short", `${many(said.total, "statement")} of ${many(lists, "list")}: ${held.length} held back or refused, ${dissent} in dissent.`);
  const waiting = section(place, "held", "Held back", "not believed until confirmed by a list, a bill or a person");
  table(waiting, "held-table", heldColumns(canRule, ask, now), held, { caption: "Prices that are held back", key, none: "Nothing is held back." });
  const spoken = section(place, "spoken", "Who says what", "$ per 1M tokens, before contracts");
  table(spoken, "said-table", saidColumns(now), rows, { caption: "What every price list says", key, none: "No list has said anything of a deployment here.", mark: (row) => (BAD.includes(row.stands) ? "bad" : row.stands === "agrees" ? "" : "out") });
  const past = section(place, "past", "What came of it", "accepted, held, disputed, vanished");
  table(past, "past-table", pastColumns, events, { caption: "Prices over time", key: eventKey, none: "Nothing about prices in this time.", sort: [0, -1] });
}

const key = (row) => JSON.stringify([row.deployment, row.feed, row.feed_model, row.valid_from, row.stands]);
const eventKey = (event) => JSON.stringify([event.at, event.event, event.deployment, event.feed, event.usd_per_mtok]);
const price = (row) => `${usd(row.input)} / ${usd(row.output)}`;

function times({ times_in_force: found }) {
  if (found === null) return dash;
  return found > 0 && found < 0.01 ? "< 0.01 ×" : `${found.toFixed(2)} ×`;
}

const shared = [
  { title: "Deployment", text: (row) => named(row.deployment), value: (row) => row.deployment },
  { title: "List", text: (row) => row.feed },
  { title: "In / out", unit: "$ per 1M", text: price, value: (row) => row.input, isNumber: true },
  { title: "Of that in force", text: times, value: (row) => row.times_in_force, isNumber: true },
];

function saidColumns(now) {
  return [
    ...shared,
    { title: "Trust", text: (row) => String(row.trust), value: (row) => row.trust, isNumber: true },
    { title: "Said", text: (row) => ago(now - row.said_at), value: (row) => row.said_at },
    { title: "Counts as", text: (row) => STANDS[row.stands], value: (row) => BAD.indexOf(row.stands) },
    { title: "Why", text: (row) => row.reason },
  ];
}

function heldColumns(canRule, ask, now) {
  return [
    ...shared,
    { title: "Said", text: (row) => ago(now - row.said_at), value: (row) => row.said_at },
    { title: "Why", text: (row) => row.reason },
    { title: "Released", text: released },
    ...(canRule ? [{ title: "Rule", text: (row) => rulings(row, ask) }] : []),
  ];
}

function released(row) {
  const polls = row.needs_polls === null ? "" : `after ${row.needs_polls} equal polls, ${row.polls} so far`;
  const until = row.needs_until === null ? "" : `not before ${when(row.needs_until)}`;
  const announced = row.valid_from === null ? "" : `announced for ${day(row.valid_from)}`;
  return [polls, until, announced].filter(Boolean).join("; ") || "by another list, a bill or a person";
}

function rulings(row, ask) {
  const rule = (verb, does) => button(does, async () => {
    const what = `${does} what ${row.feed} says of ${row.deployment}: ${price(row)} per million tokens?`;
    if (!(await ask.confirmed(what, does))) return;
    try {
      await ask.post(`/v1/prices/quarantine/${verb}`, { deployment: row.deployment, feed: row.feed });
      ask.said(`${row.feed}'s price of ${row.deployment} is ${verb === "approve" ? "in force" : "dropped"}.`);
    } catch (error) {
      ask.said(error.message);
    }
    ask.reload();
    setTimeout(ask.reload, KEPT_MS);
  }, "plain");
  return element("span", "rulings", ...(row.stands === "held" ? [rule("approve", "Approve")] : []), rule("reject", "Reject"));
}

const pastColumns = [
  { title: "When", text: (event) => when(event.at), value: (event) => event.at },
  { title: "Deployment", text: (event) => (event.deployment ? named(event.deployment) : dash), value: (event) => event.deployment },
  { title: "List", text: (event) => event.feed ?? dash },
  { title: "What", text: (event) => told(event)[0] },
  { title: "Facts", text: (event) => told(event)[1] },
];

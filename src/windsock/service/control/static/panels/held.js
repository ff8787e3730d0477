// What waits for a person: prices that are not believed yet, beliefs that an alarm has changed, keys that disagree.

import { NOT_KEPT } from "../api.js";
import { button, element, named, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { ago, percent, usd } from "../words.js";

export const every = 5;

export async function load({ get, isAdmin }) {
  const [held, alarms, mayAct] = await Promise.all([get("/v1/prices/quarantine"), get("/v1/alarms"), isAdmin()]);
  return { held: held.data, alarms: alarms.data, keys: alarms.keys, silenced: alarms.silenced, floors: alarms.floors, mayAct };
}

export function draw(place, found, ask) {
  const { mayAct } = found;
  if (!mayAct) sentence(place, "reader", "A key with the scope admin may approve, refuse and undo here.", "quiet");
  table(section(place, "held", "Prices held back", "not in force until confirmed"), "rows", [
    { title: "Deployment", text: (row) => named(row.deployment) },
    { title: "Said by", text: (row) => row.feed },
    { title: "In / out", unit: "$ per 1M", isNumber: true, text: (row) => `${usd(row.usd_per_mtok.input)} / ${usd(row.usd_per_mtok.output)}` },
    { title: "Why held", text: (row) => row.reason },
    { title: "Since", text: (row) => ago(Date.now() / 1000 - row.since), value: (row) => row.since },
    ...acting(mayAct, (row) => [["Approve", () => ruled(ask, row, "approve")], ["Refuse", () => ruled(ask, row, "reject")]]),
  ], found.held, { caption: "Prices held back", key: (row) => `${row.deployment} ${row.feed}`, none: "None: every price that was stated is in force or was outvoted." });
  table(section(place, "alarms", "Alarms of silent change", "beliefs that were doubted or dropped"), "rows", [
    { title: "Deployment", text: (row) => named(row.deployment) },
    { title: "Route", text: (row) => row.route },
    { title: "What", text: (row) => row.mode },
    { title: "Tasks", text: (row) => row.tasks.join(", ") },
    ...acting(mayAct, (row) => [["Undo", () => done(ask, "/v1/alarms/undo", { route: row.route, deployment: row.deployment }, `Put the belief in ${row.deployment} at ${row.route} back to what it was before the alarm?`, "Undo")]]),
  ], found.alarms, { caption: "Alarms of silent change", key: (row) => `${row.route} ${row.deployment}`, none: "None." });
  table(section(place, "floors", "Floors out of reach", "another candidate, or a lower floor"), "rows", [
    { title: "Route", text: (row) => row.route },
    { title: "Task", text: (row) => row.task || "all" },
    { title: "Floor", isNumber: true, text: (row) => percent(row.floor) },
    { title: "Reachable", isNumber: true, text: (row) => percent(row.reachable) },
    { title: "With", text: (row) => row.best },
    { title: "Next point", unit: "$ per 1,000", isNumber: true, text: (row) => usd(row.further[0]?.usd_per_1000_per_point) },
  ], found.floors, { caption: "Floors out of reach", key: (row) => `${row.route} ${row.task}`, none: "None." });
  table(section(place, "keys", "Keys that disagree", "their judgements against all others'"), "rows", [
    { title: "Key", text: (row) => row.key },
    { title: "Deployment", text: (row) => (row.deployment ? named(row.deployment) : null) },
    { title: "Says", isNumber: true, text: (row) => percent(row.mean) },
    { title: "Counts", unit: "of its word", isNumber: true, text: (row) => percent(row.believed) },
    { title: "State", text: (row) => (row.isSilent ? "silenced" : "heard") },
    ...acting(mayAct, (row) => [row.isSilent ? ["Hear again", () => silenced(ask, row.key, false)] : ["Silence", () => silenced(ask, row.key, true)]]),
  ], judges(found), { caption: "Keys that disagree", key: (row) => `${row.key} ${row.task} ${row.deployment}`, none: "None." });
}

/** Keys that disagree, and those that are silenced already. */
function judges({ keys, silenced: list }) {
  const gone = list.filter((key) => !keys.some((each) => each.key === key)).map((key) => ({ key, isSilent: true, mean: null, believed: null }));
  return [...keys.map((each) => ({ ...each, isSilent: list.includes(each.key) })), ...gone];
}

function acting(mayAct, acts) {
  return mayAct ? [{ title: "", text: (row) => element("span", "acts", ...acts(row).map(([verb, act]) => button(verb, act, "plain"))) }] : [];
}

function ruled(ask, row, verb) {
  const [word, what] = verb === "approve" ? ["Approve", "puts it in force now"] : ["Refuse", "drops it"];
  return done(ask, `/v1/prices/quarantine/${verb}`, { deployment: row.deployment, feed: row.feed }, `${word} ${usd(row.usd_per_mtok.input)} / ${usd(row.usd_per_mtok.output)} for ${row.deployment}, as ${row.feed} says? This ${what}.`, word);
}

function silenced(ask, key, isSilent) {
  return done(ask, "/v1/alarms/silence", { key, is_silent: isSilent }, isSilent ? `Silence ${key}? Its judgements teach nothing until it is heard again.` : `Hear ${key} again?`, isSilent ? "Silence" : "Hear");
}

async function done(ask, path, body, question, verb) {
  if (!(await ask.confirmed(question, verb))) return;
  try {
    const { isKept } = await ask.post(path, body);
    ask.said(`${verb}: ${isKept ? "done." : NOT_KEPT}`);
  } catch (error) {
    ask.said(error.message);
  }
  ask.reload();
}

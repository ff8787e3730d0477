// Labelling: the answers whose label tells most, one at a time; two keys judge them, and each label says what it bought.

import { keep, NOT_KEPT } from "../api.js";
import { button, element, keyed, link, once, section, sentence, write } from "../elements.js";
import { figure, table } from "../tables.js";
import { ago, count, dash, many, percent, usd } from "../words.js";
import { DEPLOYMENT, TASK, success } from "./columns.js";

const MOST = 20;
const REFILL = 4;
/** A label goes out so late, or with the next one: until then it can be taken back. */
const HOLD_MS = 4000;

let state = null;

export const keys = { y: () => judge(1), n: () => judge(0), s: () => judge(null), u: undo };

export function load({ get, args }, skipped = 0) {
  const asked = new URLSearchParams({ limit: Math.min(200, MOST + skipped) });
  for (const name of ["route", "task"]) if (args.get(name)) asked.set(name, args.get(name));
  return get(`/v1/labels?${asked}`);
}

export function draw(place, found, ask) {
  if (state?.place !== place) begin(place, ask);
  take(found);
  show();
}

function begin(place, ask) {
  state = { place, ask, queue: [], seen: new Set(), acts: [], held: null, bought: [], choices: [], note: null };
  ask.signal.addEventListener("abort", () => send());
}

/** What the service wants now, behind what is on the page already. */
function take({ data, choices, note }) {
  const known = new Set([...state.seen, ...state.queue.map((each) => each.decision_id)]);
  state.queue.push(...data.filter((each) => !known.has(each.decision_id)));
  Object.assign(state, { choices, note });
}

async function refill() {
  const mine = state;
  const found = await load(mine.ask, mine.seen.size).catch(() => null);
  if (found && state === mine) {
    take(found);
    show();
  }
}

function judge(value) {
  const item = state?.queue.shift();
  if (!item) return;
  send();
  state.seen.add(item.decision_id);
  state.acts.push({ item, value });
  if (value !== null) state.held = { item, value, timer: setTimeout(send, HOLD_MS) };
  if (state.queue.length < REFILL) refill();
  show();
}

/** The last act again: what was not sent yet is as if it had not been said, what was sent is said anew. */
function undo() {
  const act = state?.acts.pop();
  if (!act) return;
  if (state.held?.item === act.item) {
    clearTimeout(state.held.timer);
    state.held = null;
  } else if (act.value !== null) state.ask.said("This label was sent: the next one stands in its place.");
  state.seen.delete(act.item.decision_id);
  state.queue.unshift(act.item);
  show();
}

async function send({ isLast = false } = {}) {
  const mine = state;
  const held = mine?.held;
  if (!held) return;
  clearTimeout(held.timer);
  mine.held = null;
  const body = { decision_id: held.item.decision_id, value: held.value };
  if (isLast) return keep("/v1/labels", body);
  try {
    const told = await mine.ask.post("/v1/labels", body);
    if (!told.isKept) mine.ask.said(NOT_KEPT);
    mine.bought = [{ ...told, value: held.value }, ...mine.bought.filter((each) => each.decision_id !== told.decision_id)];
    mine.choices = mine.choices.map((each) => (each.route === told.route && each.task === told.task ? told.after.choice ?? each : each));
  } catch (error) {
    mine.queue.unshift(held.item);
    mine.seen.delete(held.item.decision_id);
    mine.ask.said(error.message);
  }
  if (state === mine) show();
}

addEventListener("pagehide", () => send({ isLast: true }));

function show() {
  const { place, queue, bought, choices, note, held } = state;
  const [item] = queue;
  sentence(place, "in-short", progress(bought.length + (held ? 1 : 0), queue.length, choices)).setAttribute("role", "status");
  const part = section(place, "label", "Label", item ? `${item.route} / ${item.task}, ${ago(Date.now() / 1000 - item.at)}` : "");
  sentence(part, "note", note ?? "", "quiet").hidden = !note;
  sentence(part, "none", "Nothing is wanted: every answer that is known here has its label.", "quiet").hidden = Boolean(item);
  const card = once(part, "card", () => element("div", "answer"));
  card.hidden = !item;
  if (item) answer(card, item);
  verdicts(part, item);
  table(section(place, "bought", "What each label bought", "until it is sent, U takes it back; then the next one stands in its place"), "bought-table", BOUGHT, bought, { caption: "What each label bought", key: (row) => row.decision_id, none: "No label yet." });
  table(section(place, "choices", "Open choices", "what requests lose for want of knowing the best buy"), "choices-table", CHOICES, choices, { caption: "Open choices", key: (row) => JSON.stringify([row.route, row.task]), none: "No task has answers yet." });
}

function progress(said, left, choices) {
  const usdPerDay = choices.map((each) => each.loss_usd_per_day).filter((each) => each !== null);
  const open = usdPerDay.length ? `; not knowing the best buy costs ${usd(usdPerDay.reduce((sum, each) => sum + each, 0))} a day` : "";
  return `${many(said, "label")} given here, ${left >= MOST ? "at least " : ""}${left} more wanted${open}.`;
}

/** Who answered is not told before the label: a name sways. */
function answer(card, item) {
  const messages = (item.prompt ?? []).map(({ role, text }, index) => ({ name: `${item.decision_id} ${index}`, role, text }));
  const said = item.answer === null ? [] : [{ name: `${item.decision_id} answer`, role: "answer", text: item.answer }];
  const nodes = keyed(once(card, "texts", () => element("div")), [...messages, ...said].map((each) => each.name), () => element("div", "", element("h3"), element("pre", "said")));
  nodes.forEach((node, index) => {
    const { role, text } = [...messages, ...said][index];
    write(node.firstChild, role === "answer" ? "The answer" : role);
    Object.assign(node.lastChild, { tabIndex: 0, dir: "auto" });
    write(node.lastChild, text);
  });
  const known = once(card, "known", () => element("p", "quiet"));
  const facts = [`about ${many(item.prompt_tokens, "token")} of prompt`, item.cost_usd === null ? "" : usd(item.cost_usd)].filter(Boolean).join(", ");
  known.replaceChildren(`${facts}. `, link("decision", { id: item.decision_id }, "Its decision, explained"));
}

function verdicts(part, item) {
  const row = once(part, "verdicts", () => element("p", "verdicts", ...VERDICTS.map(([text, key, className]) => button(text, keys[key], className))));
  [...row.children].forEach((each, index) => {
    each.disabled = VERDICTS[index][1] === "u" ? !state.acts.length : !item;
  });
  part.append(row);
}

const VERDICTS = [["Right (Y)", "y", ""], ["Wrong (N)", "n", ""], ["Skip (S)", "s", "plain"], ["Undo (U)", "u", "plain"]];

const points = (value) => `${value >= 0 ? "−" : "+"}${Math.abs(value * 100).toFixed(1)} points`;
const sure = (row, when) => (row[when].choice ? percent(row[when].choice.certainty) : dash);

const BOUGHT = [
  { title: "Answer", text: (row) => link("decision", { id: row.decision_id }, row.value ? "right" : "wrong") },
  TASK,
  DEPLOYMENT,
  { title: "Success", unit: "90 % interval", text: (row) => success(row.after.success_mean, ...row.after.success_interval), value: (row) => row.after.success_mean },
  { title: "Interval", isNumber: true, text: (row) => points(row.narrowed), value: (row) => row.narrowed },
  { title: "Best buy is sure", text: (row) => `${sure(row, "before")} → ${sure(row, "after")}`, value: (row) => row.after.choice?.certainty },
  figure("Bought", "bought_usd_per_day", usd, "$ a day"),
];

const CHOICES = [
  TASK,
  { title: "Best buy", text: (row) => row.leader },
  { title: "Sure", isNumber: true, text: (row) => percent(row.certainty), value: (row) => row.certainty },
  figure("Lost", "loss_usd_per_day", usd, "$ a day"),
  figure("Requests", "requests_per_day", count, "a day"),
  { title: "Labels", unit: "of recent answers", isNumber: true, text: (row) => `${count(row.labels)} of ${count(row.answers)}`, value: (row) => row.labels },
];

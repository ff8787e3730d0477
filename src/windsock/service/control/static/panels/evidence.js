// How success is known: who has judged what, how often, and how much it counts.

import { button, drawn, element, named, section, sentence } from "../elements.js";
import { table } from "../tables.js";
import { count, dash, many, percent } from "../words.js";

const MOST = 2000;
const WEAK = ["mere answers", "nothing"];

export const every = 10;

export async function load(ask) {
  const [known, alarms, canRule] = await Promise.all([ask.get(`/v1/evidence?limit=${MOST}`), ask.get("/v1/alarms"), ask.isAdmin()]);
  return { known, alarms, canRule };
}

export function draw(place, { known, alarms, canRule }, ask) {
  const rows = known.data;
  const weak = rows.filter((row) => row.basis === "mere answers").length;
  const judged = rows.filter((row) => row.basis === "judged").length;
  sentence(place, "in-short", `${judged} of ${many(known.total, "belief")} rest on judgements${weak ? `; ${weak} on mere answers, which say that something came back and not that it was right` : ""}.`);
  const all = section(place, "evidence", "Evidence", "per task and deployment; 90 % intervals");
  table(all, "evidence-table", COLUMNS, rows, { caption: "How success is known", key: (row) => JSON.stringify([row.route, row.task, row.deployment]), none: "Nothing is known yet: send a request and judge its answer at /v1/feedback.", mark: (row) => (WEAK.includes(row.basis) ? "out" : "") });
  const held = section(place, "alarms", "Alarms", "beliefs that a silent change has moved, and keys that disagree");
  table(held, "alarms-table", alarmColumns(canRule, ask), said(alarms), { caption: "Alarms and keys that disagree", key: (row) => row.id, none: "No belief was moved by an alarm, and no key disagrees." });
}

function success(row) {
  const [low, high] = row.success_interval;
  const picture = drawn("svg", { class: "whisker", viewBox: "0 0 80 10", "aria-hidden": "true" },
    drawn("line", { x1: 0, x2: 80, y1: 5, y2: 5, class: "track" }),
    drawn("line", { x1: 80 * low, x2: 80 * high, y1: 5, y2: 5, class: "range" }),
    drawn("circle", { cx: 80 * row.success_mean, cy: 5, r: 3 }));
  const text = `${Math.round(row.success_mean * 100)} % (${Math.round(low * 100)}–${Math.round(high * 100)})`;
  return element("span", "", text, picture);
}

function sources({ sources: all, answers, answer_counts: counts, keys, prior }) {
  const told = all.map((each) => `${each.source} ${count(each.rewards)}, ${percent(each.mean)} right, counts ${each.one_counts.toFixed(2)}`);
  if (!told.length && answers) told.push(`answers ${count(answers)}, each counts ${counts.toFixed(2)}`);
  if (keys) told.push(`by ${many(keys, "key")}`);
  if (prior) told.push(`prior of ${prior}`);
  return told.join("; ") || dash;
}

function check({ check: worth }) {
  if (!worth) return dash;
  return `${worth.say.toFixed(2)}: fails ${percent(worth.fails_right)} of right, ${percent(worth.fails_wrong)} of wrong`;
}

const COLUMNS = [
  { title: "Task", text: (row) => element("span", "", row.task, element("small", "", ` ${row.route}`)), value: (row) => `${row.route} ${row.task}` },
  { title: "Deployment", text: (row) => named(row.deployment), value: (row) => row.deployment },
  { title: "Known by", text: (row) => row.basis },
  { title: "Success", text: success, value: (row) => row.success_mean },
  { title: "Worth", unit: "rewards", text: (row) => count(row.effective_samples), value: (row) => row.effective_samples, isNumber: true },
  { title: "Judged", unit: "of recent answers", text: (row) => (row.answers ? `${count(row.judged)} of ${count(row.answers)}` : dash), value: (row) => (row.answers ? row.judged / row.answers : null), isNumber: true },
  { title: "Checks are worth", text: check, value: (row) => row.check?.say ?? null },
  { title: "Sources", text: sources },
];

/** Alarms, keys that disagree and keys that were silenced, as rows of one table. */
function said(alarms) {
  return [
    ...alarms.data.map((alarm) => ({ id: `alarm ${alarm.route} ${alarm.deployment}`, subject: alarm.deployment, what: `quality in ${alarm.mode === "steady" ? "question: another model answers" : alarm.mode}`, facts: `route ${alarm.route}; ${alarm.tasks.join(", ")}`, alarm })),
    ...alarms.keys.map((key) => ({ id: `key ${key.key} ${key.route} ${key.task} ${key.deployment}`, subject: key.key, what: "key disagrees", facts: `${key.route}, ${key.task}, ${key.deployment}: says ${percent(key.mean)}, counts ${percent(key.believed)}`, silence: key.key })),
    ...alarms.floors.map((each) => ({ id: `floor ${each.route} ${each.task}`, subject: `${each.route} ${each.task || "all tasks"}`, what: `floor of ${percent(each.floor)} is out of reach`, facts: `${percent(each.reachable)} reachable with ${each.best}`, isFact: true })),
    ...alarms.silenced.map((key) => ({ id: `silenced ${key}`, subject: key, what: "key is silenced", facts: dash, hear: key })),
  ];
}

function alarmColumns(canRule, ask) {
  return [
    { title: "Who", text: (row) => row.subject },
    { title: "What", text: (row) => row.what },
    { title: "Facts", text: (row) => row.facts },
    ...(canRule ? [{ title: "Rule", text: (row) => (row.isFact ? dash : ruling(row, ask)) }] : []),
  ];
}

function ruling(row, ask) {
  const [path, body, verb, done] = row.alarm
    ? ["/v1/alarms/undo", { route: row.alarm.route, deployment: row.alarm.deployment }, "Undo", "The belief from before the alarm holds again."]
    : ["/v1/alarms/silence", { key: row.silence ?? row.hear, is_silent: Boolean(row.silence) }, row.silence ? "Silence" : "Hear again", "The key's words were counted anew."];
  return button(verb, async () => {
    if (!(await ask.confirmed(`${verb}: ${row.subject}, ${row.what}?`, verb))) return;
    try {
      await ask.post(path, body);
      ask.said(done);
    } catch (error) {
      ask.said(error.message);
    }
    ask.reload();
  }, "plain");
}

// How success is known: who has judged what, how often, and how much it counts.

import { element, named, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { count, dash, many, percent, usd } from "../words.js";
import { success } from "./columns.js";

const MOST = 2000;
const WEAK = ["proxies alone", "mere answers", "nothing"];

export const every = 10;

export async function load(ask) {
  const [evidence, shadows] = await Promise.all([ask.get(`/v1/evidence?limit=${MOST}`), ask.get("/v1/shadows")]);
  return { ...evidence, shadows: shadows.data };
}

export function draw(place, { total, data: rows, judges, knowing, shadows }) {
  const on = (basis) => rows.filter((row) => row.basis === basis).length;
  const weak = [
    on("proxies alone") && `${on("proxies alone")} on judges or checks alone, which no label has shown to be right`,
    on("mere answers") && `${on("mere answers")} on mere answers, which say that something came back and not that it was right`,
  ].filter(Boolean);
  sentence(place, "in-short", `${[`${on("judged")} of ${many(total, "belief")} rest on labels`, ...weak].join("; ")}.`);
  const all = section(place, "evidence", "Evidence", "per task and deployment; 90 % intervals");
  table(all, "evidence-table", COLUMNS, rows, { caption: "How success is known", key: (row) => JSON.stringify([row.route, row.task, row.deployment]), none: "Nothing is known yet: send a request and judge its answer at /v1/feedback.", mark: (row) => (WEAK.includes(row.basis) ? "out" : "") });
  const said = rows.flatMap((row) => row.sources.map((source) => ({ ...row, ...source })));
  const each = section(place, "said", "Who says what", "a label knows what was right; what a proxy's scores are worth is learnt from labels");
  table(each, "said-table", SAID, said, { caption: "What each source says", key: (row) => JSON.stringify([row.route, row.task, row.deployment, row.source]), none: "Nobody has judged anything yet." });
  if (knowing) costs(place, knowing);
  if (judges.length) {
    const models = section(place, "judges", "Judges", "models that score answers beside the requests; since the start");
    table(models, "judges-table", JUDGES, judges, { caption: "What judges did, cost, and go by", key: (row) => row.route });
  }
  if (shadows.length) {
    const second = section(place, "shadows", "Shadows", "requests that were sent to a second deployment as well; since the start");
    table(second, "shadows-table", SHADOWS, shadows, { caption: "What shadows did and cost", key: (row) => row.route });
    const shadowed = shadows.flatMap((row) => row.data.map((each) => ({ ...each, route: row.route })));
    table(second, "shadowed-table", SHADOWED, shadowed, { caption: "What came of it", key: (row) => `${row.route} ${row.deployment}`, none: "No answer was compared yet." });
  }
}

function costs(place, knowing) {
  const cost = section(place, "knowing", "What knowing costs", "of the last seven days; exploring is what requests cost beyond the best buy, and lacked beside it, as believed now");
  table(cost, "knowing-table", [ROUTE, ...COST], knowing, { caption: "What knowing costs", key: (row) => `${row.route} ${row.by}`, none: "Nothing was spent to know it: nobody has asked." });
  const cells = knowing.flatMap((row) => row.cells.map((cell) => ({ ...cell, route: row.route })));
  table(cost, "knowing-cells-table", [...PLACE, ...COST], cells, { caption: "What knowing costs by task and deployment", key: (row) => JSON.stringify([row.route, row.task, row.deployment, row.by]), none: "Of no task and deployment." });
}

function bias(name) {
  return (row) => {
    const found = row.biases[name];
    if (!found) return dash;
    const error = found.error === null ? "" : ` ± ${found.error.toFixed(3)}`;
    return `${found.value.toFixed(3)}${error} (${found.basis})`;
  };
}

const JUDGES = [
  { title: "Route", text: (row) => row.route },
  { title: "Judge", text: (row) => element("span", "", row.model, element("small", "", ` ${row.how}`)), value: (row) => row.model },
  figure("Judged", "judged", count, "answers"),
  figure("Unreadable", "unreadable", count, "verdicts"),
  { title: "Left out", unit: "no place", isNumber: true, text: (row) => (row.left_out === null ? dash : count(row.left_out)), value: (row) => row.left_out },
  figure("Too long", "too_long", count, "not judged"),
  { title: "Spent", unit: "of what may be today", text: (row) => (row.spent_usd === null ? dash : `${usd(row.spent_usd)} of ${usd(row.limit_usd)}`), value: (row) => row.spent_usd, isNumber: true },
  { title: "By order", text: bias("order") },
  { title: "By length", unit: "a doubling", text: bias("length") },
  { title: "For its own", text: bias("self_preference") },
];

function sources({ sources: all, answers, answer_counts: counts, keys, prior }) {
  const told = all.map((each) => `${each.source} ${count(each.rewards)}, ${percent(each.mean)} right, counts ${each.one_counts.toFixed(2)}`);
  if (!told.length && answers) told.push(`answers ${count(answers)}, each counts ${counts.toFixed(2)}`);
  if (keys) told.push(`by ${many(keys, "key")}`);
  if (prior) told.push(`prior of ${prior}`);
  return told.join("; ") || dash;
}

const points = (value) => (value === null ? dash : `${value >= 0 ? "+" : "−"}${Math.abs(value * 100).toFixed(1)} points`);
const ROUTE = { title: "Route", text: (row) => row.route };
const PLACE = [
  { title: "Task", text: (row) => element("span", "", row.task ?? "not kept where", element("small", "", ` ${row.route}`)), value: (row) => `${row.route} ${row.task}` },
  { title: "Deployment", text: (row) => (row.deployment ? named(row.deployment) : dash), value: (row) => row.deployment },
];

const SAID = [
  ...PLACE,
  { title: "Source", text: (row) => element("span", "", row.source, element("small", "", ` ${row.kind}`)), value: (row) => row.source },
  figure("Scored", "rewards", count, "answers"),
  figure("Mean", "mean", percent),
  { title: "Says", unit: "rewards", isNumber: true, text: (row) => count(row.kind === "label" ? row.rewards * row.one_counts : row.says ?? 0), value: (row) => row.says },
  { title: "Labelled", unit: "of them", isNumber: true, text: (row) => (row.labelled === null ? dash : count(row.labelled)), value: (row) => row.labelled },
  { title: "Bias", isNumber: true, text: (row) => points(row.bias), value: (row) => row.bias },
  { title: "λ", unit: "labels move with it", isNumber: true, text: (row) => (row.slope === null ? dash : row.slope.toFixed(2)), value: (row) => row.slope },
  { title: "Success", unit: "by it alone", isNumber: true, text: alone, value: (row) => row.corrected_mean ?? row.mean },
];

function alone(row) {
  const mean = percent(row.kind === "label" ? row.mean : row.corrected_mean);
  return row.interval ? `${mean} (${row.interval.map((each) => Math.round(each * 100)).join("–")})` : mean;
}

const COST = [
  { title: "By", text: (row) => row.by },
  figure("Requests", "requests", count),
  { title: "Spent", isNumber: true, text: (row) => (row.unknown_cost && row.cost_usd !== null ? `${usd(row.cost_usd)} and ${count(row.unknown_cost)} unknown` : usd(row.cost_usd)), value: (row) => row.cost_usd },
  { title: "Says", unit: "rewards", isNumber: true, text: (row) => (row.says === null ? dash : count(row.says)), value: (row) => row.says },
  figure("A reward", "usd_per_reward", usd, "$"),
  figure("A halved interval", "usd_per_halving", usd, "$"),
  { title: "Lost", unit: "successes", isNumber: true, text: (row) => (row.lost_successes === null ? dash : count(row.lost_successes)), value: (row) => row.lost_successes },
];

const SHADOWS = [
  ROUTE,
  { title: "Compared by", text: (row) => row.compare },
  { title: "Drawn", isNumber: true, text: (row) => (row.taken === null ? dash : count(row.taken)), value: (row) => row.taken },
  { title: "Left out", unit: "no place, nobody to ask", isNumber: true, text: (row) => (row.left_out === null ? dash : count(row.left_out + row.skipped)), value: (row) => row.left_out },
  { title: "Unpaid", isNumber: true, text: (row) => (row.unpaid === null ? dash : count(row.unpaid)), value: (row) => row.unpaid },
  { title: "Spent", unit: "of what may be today", isNumber: true, text: (row) => (row.spent_usd === null ? dash : `${usd(row.spent_usd)} of ${usd(row.limit_usd)}`), value: (row) => row.spent_usd },
];

const SHADOWED = [
  { title: "Deployment", text: (row) => element("span", "", named(row.deployment), element("small", "", ` ${row.route}`)), value: (row) => row.deployment },
  figure("Compared", "compared", count, "answers"),
  figure("Held", "held", count, "agreed or passed"),
  figure("Unread", "unread", count),
  { title: "Worth", unit: "mean", isNumber: true, text: (row) => percent(row.mean_value), value: (row) => row.mean_value },
];

function check({ check: worth }) {
  if (!worth) return dash;
  return `${worth.say.toFixed(2)}: fails ${percent(worth.fails_right)} of right, ${percent(worth.fails_wrong)} of wrong`;
}

const COLUMNS = [
  ...PLACE,
  { title: "Known by", text: (row) => row.basis },
  { title: "Success", text: (row) => success(row.success_mean, ...row.success_interval), value: (row) => row.success_mean },
  figure("Worth", "effective_samples", count, "rewards"),
  { title: "Judged", unit: "of recent answers", text: (row) => (row.answers ? `${count(row.judged)} of ${count(row.answers)}` : dash), value: (row) => (row.answers ? row.judged / row.answers : null), isNumber: true },
  { title: "Checks are worth", text: check, value: (row) => row.check?.say ?? null },
  { title: "Sources", text: sources },
];

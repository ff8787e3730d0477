// Keys and budgets: what each may do, what is spent and left. Never a key.

import { bar, element, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { ago, count, dash, many, usd, when } from "../words.js";

const SOON_S = 7 * 86400;

export const every = 15;

export async function load(ask) {
  const [keys, caps, spent] = await Promise.all([
    ask.get("/v1/keys"),
    ask.get("/v1/caps"),
    ask.get(`/v1/report?by=key&${ask.span()}&sample=0`),
  ]);
  return { keys: keys.data, caps: caps.data, spent: new Map(spent.data.map((line) => [line.key, line])) };
}

export function draw(place, { keys, caps, spent }) {
  const now = Date.now() / 1000;
  const active = keys.filter((key) => key.state === "active");
  const soon = active.filter((key) => key.expires_at !== null && key.expires_at - now < SOON_S).map((key) => key.name);
  const names = new Map(keys.map((key) => [`keys.${key.continues ?? key.id}`, `budget of ${key.name}`]));
  const capName = (cap) => [names.get(cap.cap) ?? cap.cap, ...(cap.of ? [cap.of] : [])].join(", ");
  const out = caps.filter((cap) => cap.spent_usd >= cap.usd).map(capName);
  sentence(place, "in-short", [`${many(active.length, "active key")} of ${keys.length}`, soon.length ? `within a week ends: ${soon.join(", ")}` : "", out.length ? `spent: ${out.join(", ")}` : ""].filter(Boolean).join("; ") + ".");
  const all = section(place, "keys", "Keys", "by public id; a key itself is kept nowhere");
  table(all, "keys-table", keyColumns(spent, now), keys, { caption: "Keys and their budgets", key: (key) => key.id, none: "No key was made: windsock keys create NAME.", mark: (key) => (key.state !== "active" ? "out" : key.budget && !key.budget.left_usd ? "bad" : "") });
  const limits = section(place, "caps", "Caps and budgets", "in the period that runs");
  table(limits, "caps-table", [{ title: "Cap", text: capName }, ...CAPS], caps, { caption: "Caps and what is spent of them", key: (cap) => JSON.stringify([cap.cap, cap.of]), none: "Nothing is capped.", mark: (cap) => (cap.spent_usd >= cap.usd ? "bad" : "") });
}

function meter(spent, limit) {
  const share = limit ? spent / limit : 1;
  return bar(share, `${usd(spent)} of ${usd(limit)}`, share >= 0.8 ? 3 : 2);
}

function keyColumns(spent, now) {
  const of = (key) => spent.get(key.continues ?? key.id);
  return [
    { title: "Key", text: (key) => element("span", "", key.name, element("small", "", ` ${key.id}`)), value: (key) => key.name },
    { title: "State", text: (key) => state(key, now) },
    { title: "May", text: may },
    { title: "Limits", unit: "a minute", text: limits },
    { title: "Requests", unit: "in this time", text: (key) => count(of(key)?.requests ?? 0), value: (key) => of(key)?.requests ?? 0, isNumber: true },
    { title: "Spent", unit: "in this time", text: (key) => (of(key) ? usd(of(key).cost_usd) : "$0"), value: (key) => of(key)?.cost_usd ?? 0, isNumber: true },
    { title: "Budget", text: ({ budget }) => (budget ? meter(budget.spent_usd, budget.usd) : "none"), value: ({ budget }) => (budget ? budget.spent_usd / budget.usd : null) },
    { title: "Left", text: ({ budget }) => (budget ? `${usd(budget.left_usd)} ${within(budget.period)}` : dash), value: ({ budget }) => budget?.left_usd ?? null },
    { title: "Pace", text: ({ budget }) => pace(budget), value: ({ budget }) => budget?.usd_per_day ?? null },
  ];
}

const may = (key) => `${key.scopes.join(", ")}${key.models.length ? `: ${key.models.join(", ")}` : ""}${key.is_private ? "; private" : ""}`;

const within = (period) => (period === "total" ? "in all" : `this ${period}`);

function state(key, now) {
  if (key.state === "revoked") return `revoked ${ago(now - key.revoked_at)}`;
  if (key.state === "expired") return `ended ${ago(now - key.expires_at)}`;
  return key.expires_at === null ? "active" : `active until ${when(key.expires_at)}`;
}

function limits({ rpm, tpm }) {
  return [rpm === null ? "" : `${count(rpm)} requests`, tpm === null ? "" : `${count(tpm)} tokens`].filter(Boolean).join(", ") || "none";
}

function pace(budget) {
  if (!budget || budget.usd_per_day === null) return dash;
  const ends = budget.spent_at === null ? "" : `, spent ${when(budget.spent_at)}`;
  return `${usd(budget.usd_per_day)} a day${ends}`;
}

const CAPS = [
  { title: "Spent", text: (cap) => meter(cap.spent_usd, cap.usd), value: (cap) => cap.spent_usd / cap.usd },
  figure("Reserved", "reserved_usd", usd, "by calls under way"),
  figure("Refused", "refused", count, "calls"),
  { title: "Period", text: (cap) => (cap.ends_at === null ? "for good" : `${cap.period}, until ${when(cap.ends_at)}`), value: (cap) => cap.ends_at },
  { title: "Spent at this pace", text: (cap) => (cap.spent_at === null ? "not within it" : when(cap.spent_at)), value: (cap) => cap.spent_at },
];

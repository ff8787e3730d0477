// The time range: in the address, shared by all views that have time.

import { earliest, moment } from "./words.js";

const SPANS = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000, "90d": 7_776_000 };
export const SHARED = ["route", "task", "since", "from", "to"];
const USUAL = "24h";

/** {since, until} in unix s; until is null while the range ends now. */
export function rangeOf(args) {
  const [from, to] = [Number(args.get("from")), Number(args.get("to"))];
  if (from > 0 && to > from) return { since: from, until: to };
  const span = SPANS[args.get("since")] ?? SPANS[USUAL];
  return { since: Math.max(earliest(), Date.now() / 1000 - span), until: null };
}

/** The range as a query names it. */
export function spanOf(args) {
  const { since, until } = rangeOf(args);
  return String(new URLSearchParams({ since, ...(until === null ? {} : { until }) }));
}

/** Shows the range in its form, and tells `pick` what was chosen. */
export function rangeForm(form, pick) {
  const select = form.querySelector("select");
  select.replaceChildren(...Object.keys(SPANS).map((name) => new Option(`last ${name}`, name)), new Option("", "zoom"));
  select.addEventListener("change", () => pick(select.value === "zoom" ? {} : { since: select.value, from: null, to: null }));
  return (args) => {
    const { since, until } = rangeOf(args);
    const zoom = [...select.options].at(-1);
    form.querySelector("button").hidden = until === null;
    zoom.hidden = until === null;
    zoom.textContent = until === null ? "" : `${moment(since, 60, true)} – ${moment(until, 60, true)}`;
    select.value = until !== null ? "zoom" : args.get("since") in SPANS ? args.get("since") : USUAL;
  };
}

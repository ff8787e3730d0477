// Feeds and their ages: who was last heard when, how much, and what becomes of it.

import { element, section, sentence } from "../elements.js";
import { figure, table } from "../tables.js";
import { ago, count, dash, many, span } from "../words.js";

const SAYS = { agrees: "agree", dissents: "disagree", lags: "late", held: "held", elsewhere: "elsewhere" };

export const every = 5;

export const load = (ask) => ask.get("/v1/feeds");

export function draw(place, { data }) {
  const stale = data.filter((feed) => feed.is_stale).map((feed) => feed.feed);
  const failing = data.filter((feed) => feed.error).map((feed) => feed.feed);
  const told = [stale.length ? `stale: ${stale.join(", ")}` : "", failing.length ? `failed at their last poll: ${failing.join(", ")}` : ""].filter(Boolean).join("; ");
  sentence(place, "in-short", data.length ? `${many(data.length, "feed")}, ${told || "all fresh"}.` : "No feed is enabled: prices are those of the configuration.");
  const all = section(place, "feeds", "Feeds", "ages by this machine's steady clock");
  table(all, "feeds-table", COLUMNS, data, { caption: "Feeds and their ages", key: (feed) => feed.feed, none: "No feed is enabled.", mark: (feed) => (feed.is_stale || feed.error ? "bad" : "") });
  const refused = data.flatMap((feed) => feed.refused.map((row) => ({ ...row, feed: feed.feed })));
  const total = data.reduce((sum, feed) => sum + feed.refused_rows, 0);
  const box = section(place, "refused", "Refused rows", total > refused.length ? `the first ${refused.length} of ${count(total)}` : "entries that state no price");
  table(box, "refused-table", REFUSED, refused, { caption: "Rows of feeds that state no price", key: (row) => JSON.stringify([row.feed, row.name, row.reason]), none: "Every row of every feed states a price." });
}

const since = (age) => (age === null ? "never" : ago(age));

const COLUMNS = [
  { title: "Feed", text: (feed) => element("span", "", feed.feed, element("small", "", ` ${feed.kind}`)), value: (feed) => feed.feed },
  { title: "Last good", text: (feed) => since(feed.last_good_age_s), value: (feed) => feed.last_good_age_s },
  { title: "Overdue", text: (feed) => (feed.overdue_s ? span(feed.overdue_s) : dash), value: (feed) => feed.overdue_s },
  { title: "Next", text: (feed) => (feed.next_poll_s === null ? dash : `in ${span(Math.max(1, feed.next_poll_s))}`), value: (feed) => feed.next_poll_s },
  { title: "Every", text: (feed) => span(feed.every_s), value: (feed) => feed.every_s },
  figure("Rows", "rows", count),
  figure("Refused", "refused_rows", count),
  { title: "Its words here", text: says },
  figure("Trust", "trust", String),
  { title: "Polls", unit: "failed", text: (feed) => `${count(feed.polls)} / ${count(feed.failures)}`, value: (feed) => feed.failures, isNumber: true },
  { title: "Error", text: (feed) => feed.error ?? dash },
];

const REFUSED = [
  { title: "Row", text: (row) => row.name },
  { title: "Feed", text: (row) => row.feed },
  { title: "Why", text: (row) => row.reason },
];

function says(feed) {
  return Object.keys(SAYS).filter((stands) => feed.says[stands]).map((stands) => `${feed.says[stands]} ${SAYS[stands]}`).join(", ") || dash;
}

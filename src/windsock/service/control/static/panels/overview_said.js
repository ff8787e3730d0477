// How sure prices are: what every list says, and which of it counts.

import { element, keyed, named, swatch, write } from "../elements.js";
import { ago, day, many, usd } from "../words.js";

const MOST_NAMED = 3;

const STANDS = {
  agrees: "agrees",
  dissents: "disagrees",
  lags: "is late",
  held: "held back",
  elsewhere: "sold elsewhere",
};

export function said($, view) {
  const rows = view.said.flatMap((price) => price.voices.map((voice, index) => ({ ...voice, price, name: `${price.deployment} ${voice.feed} ${index}` })));
  const lists = new Set(rows.map((row) => row.feed)).size;
  write($("said-count"), `${many(rows.length, "statement")} of ${many(lists, "list")}`);
  const texts = [...provisional(view.said), ...doubts(view.said)];
  write($("said-summary"), texts.join("; ") || "All lists agree, and no price rests on one of them alone.");
  if ($("said-all").open) fill($("said"), rows, view);
}

/** Prices that one list alone states: each by name while they are few. */
function provisional(prices) {
  const alone = prices.filter((price) => price.is_provisional);
  if (alone.length > MOST_NAMED) return [`${alone.length} of ${prices.length} prices are provisional`];
  return alone.map((price) => `${price.deployment}: ${until(price)}`);
}

function until({ provisional_until: at }) {
  return at === null ? "provisional" : `provisional until ${day(at)}`;
}

/** Who disagrees and what is held back, one phrase each. */
function doubts(prices) {
  return prices.flatMap(({ deployment, voices, held }) => {
    const dissent = voices.filter((voice) => voice.stands === "dissents").map((voice) => voice.feed);
    return [
      dissent.length ? `${deployment}: ${dissent.join(", ")} disagree${dissent.length === 1 ? "s" : ""}` : "",
      held.length ? `${deployment}: held back, ${held.map((each) => `${each.feed} (${each.reason})`).join(", ")}` : "",
    ].filter(Boolean);
  });
}

function fill(table, rows, view) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const byName = new Map(rows.map((row) => [row.name, row]));
  keyed(table.tBodies[0], [...byName.keys()], (name) => made(byName.get(name), heads, view)).forEach((node, index) => {
    const { feed, input, output, trust, age_s: age, stands, price } = rows[index];
    const counts = STANDS[stands] ?? stands;
    node.dataset.stands = stands;
    const texts = [feed, `${usd(input)} / ${usd(output)}`, String(trust), ago(age), stands === "agrees" && price.is_provisional ? `${counts}, ${until(price)}` : counts];
    texts.forEach((text, place) => write(node.cells[place + 1].firstChild, text));
  });
}

function made(row, heads, view) {
  const node = element("tr");
  const head = element("th");
  head.scope = "row";
  head.append(swatch(view.deployments.indexOf(row.price.deployment)), named(row.price.deployment));
  node.append(head, ...heads.slice(1).map((text, index) => {
    const cell = element("td", [1, 2].includes(index) ? "num" : "");
    cell.dataset.head = text;
    cell.append(element("span"));
    return cell;
  }));
  return node;
}

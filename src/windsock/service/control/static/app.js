// The shell: which view is open, who looks, and what keys do.

import { forgetKey, get, hasKey, keepKey, Locked, post, Refused } from "./api.js";
import { choose, element, keyed, once, sentence, write } from "./elements.js";
import { PANELS } from "./panels/index.js";
import { rangeForm, rangeOf, SHARED, spanOf } from "./range.js";
import { recolour } from "./timeline.js";
import { replays } from "./words.js";

const $ = (id) => document.getElementById(id);
const FIRST = PANELS[0].name;
const RETRY_MS = 4000;
const SLOW_MS = 400;
const SCHEMES = ["", "light", "dark"];

let open = null;

/** [view, arguments] of the address; what a link of an earlier page asked for is heard too. */
function place() {
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  const known = name || (location.pathname === "/docs" ? "reference" : "");
  return [PANELS.find((each) => each.name === known) ?? PANELS[0], new URLSearchParams(query ?? (name ? "" : location.search))];
}

function address(name, args) {
  const query = String(args);
  return `#/${name}${query ? `?${query}` : ""}`;
}

/** Changes arguments of the view that is open; null takes one away. */
function change(changes, { quietly = false } = {}) {
  const [panel, args] = place();
  for (const [name, value] of Object.entries(changes)) value === null || value === "" ? args.delete(name) : args.set(name, value);
  history.replaceState(null, "", location.pathname + address(panel.name, args));
  if (quietly) return Object.assign(open.ask, { args });
  return show();
}

/** What a view is given: its arguments, calls with the key, and what the shell does for it. */
function asking(panel, args, stop) {
  const guarded = (call) => (path, ...rest) => call(path, ...rest, stop.signal);
  return {
    args, signal: stop.signal, get: guarded(get), post,
    range: () => rangeOf(args), span: () => spanOf(args),
    change, state, locked, cells, confirmed, said,
    zoom: (from, to) => change({ from: from.toFixed(0), to: to.toFixed(0), since: null }),
    reload: () => open.reload(),
    isAdmin: () => session().then((who) => who.scopes.includes("admin")),
  };
}

let who = null;
/** Who looks: {scopes, namespace, needs_key}, and which dates are shown; asked once a key. */
function session() {
  who ??= get("/ui/api/session").catch((error) => {
    who = null;
    throw error;
  });
  return who;
}

async function show() {
  open?.end();
  const [panel, args] = place();
  const stop = new AbortController();
  const mine = { panel, stop, ask: asking(panel, args, stop), end: () => stop.abort(), reload: () => null };
  open = mine;
  furnish(panel, args);
  const view = element("div", "view");
  view.dataset.view = panel.name;
  $("view").replaceChildren(view);
  const module = await panel.open();
  if (open !== mine) return;
  mine.module = module;
  if (module.live) {
    const end = module.live(view, mine.ask);
    mine.end = () => {
      stop.abort();
      end();
    };
  } else polled(mine, view);
}

/** Loads and draws, again every so many seconds while the page is looked at. */
function polled(mine, view) {
  let timer = 0;
  const slow = setTimeout(() => sentence(view, "slow", "Loading …").setAttribute("role", "status"), SLOW_MS);
  const arrived = () => {
    clearTimeout(slow);
    view.querySelector(':scope > [data-name="slow"]')?.remove();
  };
  const again = (ms) => {
    timer = setTimeout(() => (document.hidden ? again(ms) : run()), ms);
  };
  async function run() {
    clearTimeout(timer);
    try {
      replays((await session()).replayed);
      const facts = await mine.module.load(mine.ask);
      if (open !== mine) return;
      arrived();
      unlock();
      state("live", "live");
      view.querySelector(":scope > .refused")?.remove();
      mine.module.draw(view, facts, mine.ask);
      if (mine.panel.uses.includes("cell")) await offered();
      if (mine.module.every) again(mine.module.every * 1000);
    } catch (error) {
      if (open !== mine || error.name === "AbortError") return;
      arrived();
      failed(error, view, again);
    }
  }
  mine.end = () => {
    clearTimeout(timer);
    clearTimeout(slow);
    mine.stop.abort();
  };
  mine.reload = run;
  return run();
}

function failed(error, view, again) {
  if (error instanceof Locked) return locked(hasKey() ? error.message : "");
  if (error instanceof Refused) {
    state("live", "live");
    write(once(view, "refused", () => element("p", "notice refused")), error.message).setAttribute("role", "alert");
    return error.status === 429 || error.status >= 500 ? again(RETRY_MS) : null;
  }
  if (!(error instanceof TypeError && error.message.includes("fetch"))) throw error;
  state("lost", `disconnected, trying again in ${RETRY_MS / 1000} s`);
  return again(RETRY_MS);
}

function furnish(panel, args) {
  document.title = panel === PANELS[0] ? "windsock" : `${panel.title} · windsock`;
  $("cell").hidden = !panel.uses.includes("cell");
  $("range").hidden = !panel.uses.includes("range");
  $("logout").hidden = !hasKey();
  showRange(args);
  menu(panel, args);
}

/** Groups of views; what they share of the address goes along. */
function menu(panel, args) {
  const kept = new URLSearchParams([...args].filter(([name]) => SHARED.includes(name)));
  const groups = [...new Set(PANELS.map((each) => each.group))];
  keyed($("menu"), groups, (group) => element("li", "", element("span", "quiet", group), element("ul"))).forEach((node, index) => {
    const views = PANELS.filter((each) => each.group === groups[index] && !each.isHidden);
    keyed(node.lastChild, views.map((each) => each.name), (name) => element("li", "", element("a", "", views.find((each) => each.name === name).title))).forEach((item, place) => {
      item.firstChild.href = address(views[place].name, kept);
      views[place] === panel ? item.firstChild.setAttribute("aria-current", "page") : item.firstChild.removeAttribute("aria-current");
    });
  });
  write($("menu-open"), panel.title);
  unfold(false);
}

function unfold(isOpen) {
  $("menu-open").setAttribute("aria-expanded", isOpen);
  $("views").dataset.open = isOpen;
}

function state(kind, text) {
  if (kind === "live") unlock();
  $("state").dataset.state = kind;
  document.body.dataset.state = kind;
  write($("state-text"), text);
  write($("state-said"), kind === "live" ? kind : text); // figures that change every second are for the eye
}

function locked(reason) {
  state("locked", "waiting for a key");
  $("locked").hidden = false;
  $("view").hidden = true;
  write($("locked-why"), reason);
}

function unlock() {
  $("locked").hidden = true;
  $("view").hidden = false;
}

/** Routes with their tasks, as the header's two selectors offer them. */
function cells(routes, route, task) {
  const names = Object.keys(routes);
  const chosen = place()[1].get("route") ?? route ?? names[0];
  choose($("route"), names, chosen);
  const all = open.panel.uses.includes("all-tasks") ? [""] : [];
  const wanted = place()[1].get("task") ?? task ?? undefined;
  choose($("task"), [...new Set([...all, ...(routes[chosen] ?? []), ...(wanted ? [wanted] : [])])], wanted);
}

async function offered() {
  const { routes } = await get("/ui/api/cells");
  cells(routes);
}

/** Asks before something is done that others feel. */
function confirmed(text, verb) {
  const dialog = $("confirm");
  write(dialog.querySelector("p"), text);
  const act = dialog.querySelector("button[value=yes]");
  write(act, verb);
  dialog.returnValue = "";
  dialog.showModal();
  act.focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** One sentence at the foot of the page, about what was just done. */
function said(text) {
  write($("said-now"), text);
  clearTimeout(said.timer);
  said.timer = setTimeout(() => write($("said-now"), ""), 8000);
}

function paint(scheme) {
  document.documentElement.dataset.scheme = scheme;
  $("scheme").setAttribute("aria-label", `Colours: ${scheme || "as the system"}`);
  recolour();
  open?.module?.recolour?.();
}

function step(by) {
  const shown = PANELS.filter((each) => !each.isHidden);
  const index = shown.indexOf(place()[0]);
  location.hash = $("menu").querySelectorAll("a")[(index + by + shown.length) % shown.length].getAttribute("href");
}

const KEYS = {
  "?": () => $("help").showModal(),
  "/": () => document.querySelector("#view input[type=search]:not([hidden])")?.focus(),
  "[": () => step(-1),
  "]": () => step(1),
  t: () => $("scheme").click(),
  r: () => open.reload(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.target.closest("#menu") && ["ArrowDown", "ArrowUp"].includes(event.key)) return along(event);
  if (event.key === "Escape") return unfold(false);
  const act = KEYS[event.key] ?? open?.module?.keys?.[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** Arrows go from view to view in the menu. */
function along(event) {
  const all = [...$("menu").querySelectorAll("a")];
  const next = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  all[(next + all.length) % all.length].focus();
}

const showRange = rangeForm($("range"), change);
$("unzoom").addEventListener("click", () => change({ from: null, to: null }));
$("route").addEventListener("change", (event) => change({ route: event.target.value, task: null }));
$("task").addEventListener("change", (event) => change({ route: $("route").value, task: event.target.value }));
for (const id of ["cell", "range"]) $(id).addEventListener("submit", (event) => event.preventDefault());
$("locked").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey($("key").value.trim());
  $("key").value = "";
  who = null;
  show();
});
$("logout").addEventListener("click", () => {
  forgetKey();
  who = null;
  show();
});
$("scheme").addEventListener("click", () => {
  const next = SCHEMES[(SCHEMES.indexOf(document.documentElement.dataset.scheme ?? "") + 1) % SCHEMES.length];
  localStorage.setItem("windsock.scheme", next);
  paint(next);
});
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
$("menu-open").addEventListener("click", () => unfold($("menu-open").getAttribute("aria-expanded") !== "true"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(document.documentElement.dataset.scheme ?? ""));
addEventListener("keydown", onKey);
addEventListener("hashchange", show);
paint(localStorage.getItem("windsock.scheme") ?? "");
show();

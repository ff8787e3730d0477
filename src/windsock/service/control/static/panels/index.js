// Every view, in the order of the menu. A module is loaded when its view is opened.
//
// name       in the address: #/name
// uses       what of the header it goes by: "cell" (route and task), "range" (time); "all-tasks": of no task alone
// open       its module: load(ask) -> facts, draw(place, facts, ask), `every` seconds between two loads,
//            `keys` by name -> what they do while it is open;
//            or live(place, ask) -> a function that ends it

export const PANELS = [
  { name: "overview", title: "Overview", group: "Now", uses: ["cell"], open: () => import("./overview.js") },
  { name: "frontier", title: "Frontier", group: "Now", uses: [], open: () => import("./frontier.js") },
  { name: "requests", title: "Requests", group: "Now", uses: ["range"], open: () => import("./requests.js") },
  { name: "decision", title: "One decision", group: "Now", uses: [], open: () => import("./decision.js") },
  { name: "held", title: "Waiting for you", group: "Now", uses: [], open: () => import("./held.js") },
  { name: "price-lists", title: "Price lists", group: "Prices", uses: ["range"], open: () => import("./price_lists.js") },
  { name: "feeds", title: "Feeds", group: "Prices", uses: [], open: () => import("./feeds.js") },
  { name: "spend", title: "Spend", group: "Money", uses: ["range"], open: () => import("./spend.js") },
  { name: "keys", title: "Keys", group: "Money", uses: ["range"], open: () => import("./keys.js") },
  { name: "health", title: "Health", group: "Quality", uses: ["range"], open: () => import("./health.js") },
  { name: "evidence", title: "Evidence", group: "Quality", uses: [], open: () => import("./evidence.js") },
  { name: "label", title: "Label", group: "Quality", uses: [], open: () => import("./label.js") },
  { name: "what-if", title: "What if", group: "Try", uses: ["cell", "all-tasks"], open: () => import("./what_if.js") },
  { name: "try", title: "A request", group: "Try", uses: [], open: () => import("./try.js") },
  { name: "route", title: "Routes", group: "Parts", uses: ["cell", "all-tasks", "range"], open: () => import("./route.js") },
  { name: "task", title: "Tasks", group: "Parts", uses: ["cell", "range"], open: () => import("./task.js") },
  { name: "deployment", title: "Deployments", group: "Parts", uses: ["range"], open: () => import("./deployment.js") },
  { name: "configuration", title: "Configuration", group: "Parts", uses: [], open: () => import("./configuration.js") },
  { name: "reference", title: "API reference", group: "Parts", uses: [], open: () => import("../reference/reference.js") },
];

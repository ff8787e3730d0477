// Every view, in the order of the menu. A module is loaded when its view is opened.
//
// name       in the address: #/name
// uses       what of the header it goes by: "cell" (route and task), "range" (time)
// open       its module: load(ask) -> facts, draw(place, facts, ask), `every` seconds between two loads;
//            or live(place, ask) -> a function that ends it

export const PANELS = [
  { name: "overview", title: "Overview", group: "Now", uses: ["cell"], open: () => import("./overview.js") },
];

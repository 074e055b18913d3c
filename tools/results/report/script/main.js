// Which part of the page is shown, and its keys.

const NONCE = document.currentScript.nonce;
const SETTINGS = JSON.parse(document.getElementById("settings").textContent);
const KEYS = [
  ["↑ ↓, Page Up, Page Down", "slices of the plane (axial where all are shown); on the image"],
  ["← →", "sagittal slices; on the image"],
  ["1 to 5", "axial, coronal, sagittal, all, 3D"],
  ["o, l", "outlines, labels"],
  ["+ − 0", "zoom in, zoom out, all of the image"],
  ["j, k", "next case, case before"],
  ["p, c, f", "mark: pass, check, fail"],
  ["n", "note"],
  ["Escape", "all cases"],
];

const entries = [...document.querySelectorAll("section.case")].map(readEntry);
const marks = new Marks(SETTINGS.bundle);
const list = new CaseList(entries, marks);
const page = new CasePage(entries, marks);
const switched = make("input", { type: "checkbox", checked: true });
const help = make("dialog", { class: "help", "aria-label": "Keys and mouse" },
  make("table", {}, ...KEYS.map(([key, text]) => make("tr", {}, make("th", { scope: "row" }, key), make("td", {}, text)))),
  make("p", {}, "Mouse: click goes to a place, the wheel through slices, Ctrl and wheel zooms, the right button sets window and level, Shift and drag moves the image, drag turns 3D. Two fingers zoom."),
  make("p", {}, make("label", {}, switched, " single keys are shortcuts")),
  make("form", { method: "dialog" }, make("button", {}, "close")));
const ask = make("button", { type: "button", class: "ask", "aria-label": "keys and mouse", onclick: () => help.showModal() }, "?");
document.querySelector("header").append(ask);
document.getElementById("page").prepend(list.element);
document.body.append(help);

function route() {
  const name = location.hash.startsWith("#case=") ? decode(location.hash.slice(6)) : entries.length === 1 ? entries[0].name : null;
  const entry = entries.find((candidate) => candidate.name === name);
  list.element.hidden = Boolean(entry);
  document.title = entry ? `${entry.name} · ${document.querySelector("h1").textContent}` : document.querySelector("h1").textContent;
  if (entry) {
    page.open(entry);
  } else {
    page.close();
    list.fill();
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function shortcut(event) {
  if (event.key === "Escape" && page.entry && !help.open && entries.length > 1) location.hash = "";
  if (event.ctrlKey || event.altKey || event.metaKey || !switched.checked || event.target.matches("input:not([type=range], [type=checkbox]), select, textarea")) return;
  if (event.key === "?") return help.showModal();
  if (!page.entry) return;
  const viewer = page.viewer;
  const seen = page.entry.section.contains(viewer.element);
  const view = seen && [...viewer.views.children][Number(event.key) - 1];
  const actions = {
    j: () => page.neighbour(1),
    k: () => page.neighbour(-1),
    n: () => page.note.focus(),
    p: () => page.mark("pass"),
    c: () => page.mark("check"),
    f: () => page.mark("fail"),
    ...(seen && {
      o: () => viewer.restyle({ outlines: !viewer.style.outlines }),
      l: () => viewer.restyle({ shown: !viewer.style.shown }),
      "+": () => viewer.zoom(1.25),
      "-": () => viewer.zoom(0.8),
      0: () => viewer.zoom(0),
    }),
  };
  const action = view ? () => view.click() : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

window.addEventListener("hashchange", route);
window.addEventListener("keydown", shortcut);
route();

// One case: its section of the page with the viewer, a legend, links from measures to places, and the reader's mark.

const arriving = new Map(); // name of a case to what waits for its data

window.axialCase = (name, data) => arriving.get(name)?.resolve(data);

/** The data of a case, from its section or from its file beside the page. */
function loadCase(entry) {
  const embedded = entry.section.querySelector(":scope > script.data");
  if (embedded) return Promise.resolve(JSON.parse(embedded.textContent));
  if (!entry.loads) return Promise.resolve({ rows: [] });
  return new Promise((resolve, reject) => {
    arriving.set(entry.name, { resolve });
    const script = make("script", { src: `${SETTINGS.files}/cases/${encodeURIComponent(entry.name)}.js` });
    script.nonce = NONCE;
    script.onerror = () => reject(new Error(`${SETTINGS.files}/cases/${entry.name}.js is missing beside this page`));
    script.onload = () => script.remove();
    document.head.append(script);
  }).finally(() => arriving.delete(entry.name));
}

class CasePage {
  constructor(entries, marks) {
    this.entries = entries;
    this.marks = marks;
    this.viewer = new Viewer();
    this.viewer.onMove((voxel) => this.chart?.mark(this.viewer.scan.numberOf(this.viewer.scan.numbering[0], voxel[this.viewer.scan.numbering[0]])));
  }

  /** Show a case; the others are hidden. */
  async open(entry) {
    this.entry = entry;
    this.show(entry);
    this.bar(entry);
    const heading = entry.section.querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    const stage = entry.section.querySelector(".stage");
    if (stage.contains(this.viewer.element)) return;
    this.chart = null;
    entry.section.setAttribute("aria-busy", "true");
    try {
      const data = await loadCase(entry);
      if (this.entry !== entry) return;
      await this.fill(entry, data, stage);
    } catch (error) {
      stage.replaceChildren(make("p", { class: "failed", role: "alert" }, `The images cannot be shown: ${error.message}.`));
    } finally {
      entry.section.removeAttribute("aria-busy");
    }
  }

  async fill(entry, data, stage) {
    const beside = entry.section.querySelector(".beside");
    for (const old of beside.querySelectorAll(".legend, .areas, .slices")) old.remove();
    const scan = data.view && (await Scan.read({ ...data.view, name: entry.name }));
    if (scan) {
      entry.section.classList.add("viewed");
      await this.viewer.open(scan, stage);
      beside.prepend(this.legend(scan));
      this.linkRows(beside.querySelectorAll(".measures tbody tr"), scan);
      const areas = data.rows.filter((row) => row[1] === "area" && row[2] !== "");
      if (areas.length > 1 && scan.numbering) {
        this.chart = new AreaChart(areas, scan, (slice) => this.toSlice(scan, slice));
        beside.querySelector(".legend").after(this.chart.element);
      }
      this.viewer.moved(this.viewer.voxel);
    }
    if (data.rows.length) beside.append(this.table(data.rows, scan));
  }

  legend(scan) {
    const rows = scan.labels.map((label) => {
      const shown = make("input", { type: "checkbox", checked: true, "aria-label": `show ${label.name}`, onchange: () => this.viewer.toggle(label) });
      const swatch = make("span", { class: "swatch" });
      swatch.style.background = label.colour;
      return make("li", {}, shown, swatch, make("button", { type: "button", class: "jump", onclick: () => this.toLabel(scan, label) }, label.name));
    });
    return make("ul", { class: "legend", "aria-label": "Labels and their colours" }, ...rows);
  }

  /** Make the first cell of rows whose structure has a place a button that goes there. */
  linkRows(rows, scan) {
    let before = null;
    for (const row of rows) {
      const cell = row.cells[0];
      const name = cell.textContent;
      cell.classList.toggle("again", name === before);
      if (name === before) continue;
      before = name;
      if (cell.querySelector("button") || (!scan.byName.has(name) && !scan.places[name])) continue;
      cell.replaceChildren(make("button", { type: "button", class: "jump", onclick: () => this.toStructure(scan, name) }, name));
    }
  }

  table(rows, scan) {
    const bodies = rows.map(([structure, measure, slice, value, unit]) => {
      const jump = slice !== "" && scan && make("button", { type: "button", class: "jump", onclick: () => this.toSlice(scan, Number(slice), structure) }, slice);
      return make("tr", {}, ...[structure, measure, jump || slice, value, unit].map((content, i) => make("td", i === 3 ? { class: "number" } : {}, String(content) === content ? content : content || "")));
    });
    const table = make("table", { class: "measures" },
      make("thead", {}, make("tr", {}, ...["structure", "measure", "slice", "value", "unit"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...bodies));
    const details = make("details", { class: "slices" }, make("summary", {}, `${rows.length} further measures, of single slices too`), table);
    if (scan) this.linkRows(table.tBodies[0].rows, scan);
    return details;
  }

  toStructure(scan, name) {
    const label = scan.byName.get(name);
    if (label) this.toLabel(scan, label);
    else this.go(scan.places[name]);
  }

  toLabel(scan, label) {
    this.go(scan.placeOf(label.value));
  }

  toSlice(scan, number, structure) {
    const [axis, index] = scan.sliceOf(number);
    const label = scan.byName.get(structure);
    const voxel = [...this.viewer.voxel];
    voxel[axis] = index;
    this.go((label && scan.placeOf(label.value, axis, index)) || voxel);
  }

  go(voxel) {
    if (!voxel) return;
    this.viewer.move(voxel);
    this.viewer.element.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  /** The line above a case: the way back, its neighbours, the mark. */
  bar(entry) {
    const place = this.entries.indexOf(entry);
    const link = (other, text, title) => (other ? make("a", { href: address(other), class: "step", title: `${title}: ${other.name}`, "aria-label": `${title}: ${other.name}` }, text) : "");
    const { mark, note } = this.marks.get(entry);
    this.buttons = Object.entries(MARKS).map(([name, sign]) =>
      make("button", { type: "button", class: `mark ${name}`, "aria-pressed": String(mark === name), onclick: () => this.mark(name) }, `${sign} ${name}`));
    this.note = make("input", { type: "text", class: "note", placeholder: "note", "aria-label": "note", value: note,
      oninput: () => this.marks.set(entry, { note: this.note.value }) });
    const alone = this.entries.length === 1;
    this.element?.remove();
    this.element = make("nav", { class: "bar", "aria-label": "Case" },
      alone ? "" : make("a", { href: "#", class: "back" }, "← all cases"),
      alone ? "" : make("span", { class: "steps" }, link(this.entries[place - 1], "‹", "previous case"), ` ${place + 1} of ${this.entries.length} `, link(this.entries[place + 1], "›", "next case")),
      make("span", { class: "marks", role: "group", "aria-label": "Your mark" }, ...this.buttons), this.note,
      this.marks.keeps ? "" : make("small", {}, "This browser keeps no marks: export them before you close the page."));
    entry.section.before(this.element);
  }

  mark(name) {
    const mark = this.marks.get(this.entry).mark === name ? "" : name;
    this.marks.set(this.entry, { mark });
    this.buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.classList.contains(mark || "none"))));
  }

  neighbour(step) {
    const other = this.entries[this.entries.indexOf(this.entry) + step];
    if (other) location.hash = address(other);
  }

  /** Show the section of a case, or of none; its table is made when it is first seen. */
  show(entry) {
    for (const { section } of this.entries) section.classList.toggle("open", section === entry?.section);
    const rows = entry?.section.querySelector("noscript.rows");
    if (rows) rows.outerHTML = rows.textContent;
  }

  close() {
    this.entry = null;
    this.element?.remove();
    this.show(null);
  }
}

function address(entry) {
  return `#case=${encodeURIComponent(entry.name)}`;
}

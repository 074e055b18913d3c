// The list of all cases, which sorts and filters.

const STATES = { all: () => true, done: (e) => e.done, failed: (e) => !e.done, "with warnings": (e) => e.warnings.length > 0 };

const ORDER = new Intl.Collator(undefined, { numeric: true });
const ROW = /<tr><td>([^<]*)<\/td><td>([^<]*)<\/td><td class="number">([^<]*)<\/td><td>([^<]*)<\/td><\/tr>/g;
const LETTERS = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'" };

/** Measures by structure, measure and unit, from a table that no browser has made cells of: those of hundreds of cases take seconds. */
function readMeasures(text) {
  const measures = new Map();
  for (const [, ...cells] of text.matchAll(ROW)) {
    const [structure, measure, value, unit] = cells.map((cell) => cell.replace(/&(amp|lt|gt|#34|#39);/g, (name) => LETTERS[name]));
    measures.set([structure, measure, unit].join("\n"), { structure, measure, unit, value });
  }
  return measures;
}

/** What the list knows of a case, from its section. */
function readEntry(section) {
  const { name, done, result, loads, quality } = section.dataset;
  const texts = (selector) => [...section.querySelectorAll(`:scope > ${selector}`)].map((line) => line.textContent);
  const unseen = (part) => section.querySelector(`noscript.${part}`)?.textContent || "";
  return {
    section, name, result, done: done === "1", loads: loads === "1",
    measures: readMeasures(unseen("rows")),
    quality: quality === undefined ? null : Number(quality),
    warnings: texts(".warning"), error: texts(".failed")[0] || "",
    thumb: unseen("thumb").split('"').find((part) => part.startsWith("data:image/")),
  };
}

/** Measures by the names of columns. One that each case has once, of different structures, such as the class of a picture, is one column. */
function nameMeasures(entries) {
  const structures = new Map();
  const repeated = new Set();
  for (const entry of entries) {
    const seen = new Set();
    for (const { structure, measure } of entry.measures.values()) {
      structures.set(measure, (structures.get(measure) || new Set()).add(structure));
      if (seen.has(measure)) repeated.add(measure);
      seen.add(measure);
    }
  }
  for (const entry of entries) {
    entry.columns = new Map();
    for (const { structure, measure, unit, value } of entry.measures.values()) {
      const alone = structures.get(measure).size > 1 && !repeated.has(measure);
      const name = (alone || !structure ? measure : `${structure}: ${measure}`) + (unit ? ` (${unit})` : "");
      entry.columns.set(name, { value, shown: alone ? `${structure}: ${value}` : value });
    }
  }
}

class CaseList {
  constructor(entries, marks) {
    this.entries = entries;
    this.marks = marks;
    nameMeasures(entries);
    this.measures = [...new Set(entries.flatMap((entry) => [...entry.columns.keys()]))];
    this.columns = new Set(this.measures.slice(0, 2));
    this.sort = { key: "case", descending: false };
    this.build();
  }

  build() {
    const changed = () => this.fill();
    const select = (label, names) => make("select", { "aria-label": label, onchange: changed }, ...names.map((name) => make("option", { value: name }, name)));
    const number = (label) => make("input", { type: "number", step: "any", placeholder: label, "aria-label": label, oninput: changed });
    this.text = make("input", { type: "search", placeholder: "search", "aria-label": "search names, warnings and errors", oninput: changed });
    this.state = select("state", Object.keys(STATES));
    this.marked = select("mark", ["any mark", "no mark", ...Object.keys(MARKS)]);
    this.measure = select("measure", ["any measure", ...this.measures]);
    [this.least, this.most] = [number("at least"), number("at most")];
    this.below = make("input", { type: "number", min: 0, max: 1, step: 0.05, placeholder: "quality below", "aria-label": "quality below", oninput: changed });
    this.judged = this.entries.some((entry) => entry.quality !== null);
    const columns = make("details", { class: "columns" }, make("summary", {}, "columns"), ...this.measures.map((name) => {
      const box = make("input", { type: "checkbox", checked: this.columns.has(name), onchange: () => {
        if (box.checked) this.columns.add(name);
        else this.columns.delete(name);
        this.fill();
      } });
      return make("label", {}, box, ` ${name}`);
    }));
    const file = make("input", { type: "file", accept: ".csv,.json", hidden: true, "aria-label": "file of marks", onchange: () => this.take(file) });
    const kept = make("div", { class: "group", role: "group", "aria-label": "Marks" },
      make("button", { type: "button", onclick: () => download("marks.csv", "text/csv", this.marks.csv(this.entries)) }, "export CSV"),
      make("button", { type: "button", onclick: () => download("marks.json", "application/json", this.marks.json(this.entries)) }, "export JSON"),
      make("button", { type: "button", onclick: () => file.click() }, "import"), file);
    this.count = make("output", { class: "count" });
    this.said = make("output", { class: "said" });
    this.table = make("table", { class: "cases" }, make("caption", { class: "unseen" }, "All cases"));
    this.element = make("section", { class: "list", "aria-label": "All cases" },
      make("div", { class: "filters", role: "search" }, this.text, this.state, this.marked, this.measure, this.least, this.most, this.judged ? this.below : "", columns, kept),
      make("p", {}, this.count, " ", this.said), this.table);
  }

  heads() {
    return ["case", "state", ...(this.judged ? ["quality"] : []), "warnings", ...this.columns, "mark"];
  }

  /** What a case is sorted by. */
  key(entry, name) {
    if (name === "case") return entry.name;
    if (name === "state") return entry.done ? "done" : "failed";
    if (name === "quality") return entry.quality;
    if (name === "warnings") return entry.warnings.length;
    if (name === "mark") return this.marks.get(entry).mark;
    const value = entry.columns.get(name)?.value;
    return value === undefined ? null : Number.isNaN(Number(value)) ? value : Number(value);
  }

  keeps(entry) {
    const text = this.text.value.toLowerCase();
    const { mark } = this.marks.get(entry);
    const value = this.key(entry, this.measure.value);
    const within = this.measure.value === "any measure" || (value !== null && (this.least.value === "" || value >= Number(this.least.value)) && (this.most.value === "" || value <= Number(this.most.value)));
    const poor = !this.judged || this.below.value === "" || (entry.quality !== null && entry.quality < Number(this.below.value));
    const wanted = { "any mark": true, "no mark": mark === "" }[this.marked.value] ?? mark === this.marked.value;
    return STATES[this.state.value](entry) && wanted && within && poor && [entry.name, entry.error, ...entry.warnings].some((line) => line.toLowerCase().includes(text));
  }

  fill() {
    const { key, descending } = this.sort;
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : ORDER.compare(a, b));
    const shown = this.entries.filter((entry) => this.keeps(entry)).map((entry) => [this.key(entry, key), entry]);
    shown.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : (descending ? -1 : 1) * compare(a, b)));
    this.shown = shown.map(([, entry]) => entry);
    this.count.textContent = `${shown.length} of ${this.entries.length} cases`;
    this.table.replaceChildren(this.table.caption, this.head(), make("tbody", {}, ...this.shown.map((entry) => this.row(entry))));
  }

  head() {
    const cells = this.heads().map((name) => {
      const sorted = this.sort.key === name;
      const button = make("button", { type: "button", onclick: () => {
        this.sort = { key: name, descending: sorted && !this.sort.descending };
        this.fill();
        [...this.table.querySelectorAll("th button")].find((other) => other.dataset.name === name)?.focus();
      }, "data-name": name }, name);
      return make("th", { scope: "col", "aria-sort": sorted ? (this.sort.descending ? "descending" : "ascending") : "none" }, button);
    });
    return make("thead", {}, make("tr", {}, make("td", {}), ...cells));
  }

  row(entry) {
    const { mark, note } = this.marks.get(entry);
    const picture = entry.thumb ? make("img", { src: entry.thumb, alt: "", loading: "lazy", decoding: "async" }) : "";
    const said = entry.error || entry.warnings[0] || "";
    const cells = this.heads().map((name) => {
      if (name === "case") return make("th", { scope: "row", class: "name" }, make("a", { href: address(entry) }, entry.name));
      if (name === "state") return make("td", { class: entry.done ? "" : "bad" }, entry.done ? "done" : "failed", said ? make("small", {}, said) : "");
      if (name === "warnings") return make("td", { class: "number", "data-name": "warnings" }, String(entry.warnings.length || ""));
      if (name === "mark") return make("td", { class: `mark ${mark}` }, mark ? `${MARKS[mark]} ${mark}` : "", note ? make("small", {}, note) : "");
      const value = this.key(entry, name);
      return make("td", { class: "number", "data-name": name }, value === null ? "" : name === "quality" ? value.toFixed(2) : entry.columns.get(name).shown);
    });
    return make("tr", {}, make("td", { class: "picture" }, picture), ...cells);
  }

  async take(file) {
    try {
      const [taken, left] = this.marks.read(await file.files[0].text(), this.entries);
      this.said.textContent = `${taken} marks taken${left ? `, ${left} left out: of other cases or other masks` : ""}.`;
      this.fill();
    } catch (error) {
      this.said.textContent = `The file cannot be read: ${error.message}.`;
    }
    file.value = "";
  }
}

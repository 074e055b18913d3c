// What a reader thinks of each case: pass, check or fail, and a note. Kept in the browser, taken along as CSV or JSON.

const MARKS = { pass: "✓", check: "?", fail: "✗" };
const COLUMNS = ["case", "mark", "note", "time", "result_sha256", "bundle"];

class Marks {
  constructor(bundle) {
    this.bundle = bundle;
    this.unkept = new Map(); // where the browser keeps nothing
    try {
      localStorage.setItem("axial", "1");
      this.keeps = true;
    } catch {
      this.keeps = false;
    }
  }

  /** A mark is of one result: a mask that is made anew has none. */
  key(entry) {
    return `axial ${this.bundle} ${entry.name} ${entry.result}`;
  }

  get(entry) {
    const text = this.keeps ? localStorage.getItem(this.key(entry)) : this.unkept.get(this.key(entry));
    try {
      const { mark, note, time } = JSON.parse(text);
      return { mark: mark in MARKS ? mark : "", note: String(note || ""), time: String(time || "") };
    } catch {
      return { mark: "", note: "", time: "" };
    }
  }

  set(entry, change, time = new Date().toISOString()) {
    const text = JSON.stringify({ ...this.get(entry), ...change, time });
    if (this.keeps) localStorage.setItem(this.key(entry), text);
    else this.unkept.set(this.key(entry), text);
  }

  rows(entries) {
    return entries
      .map((entry) => ({ case: entry.name, ...this.get(entry), result_sha256: entry.result, bundle: this.bundle }))
      .filter((row) => row.mark || row.note);
  }

  csv(entries) {
    const cell = (text) => `"${(/^[=+\-@\t\r']/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`; // never a formula
    return [COLUMNS, ...this.rows(entries).map((row) => COLUMNS.map((name) => row[name]))].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  json(entries) {
    return JSON.stringify(this.rows(entries), null, 2) + "\n";
  }

  /** Take marks from what `csv` or `json` gave; returns how many were taken and how many belong to no result of this page. */
  read(text, entries) {
    const rows = text.trimStart().startsWith("[") ? JSON.parse(text) : readCsv(text);
    if (!Array.isArray(rows) || !rows.every((row) => row && typeof row === "object" && "case" in row && "mark" in row)) {
      throw new Error("not a table of marks: columns case and mark are missing");
    }
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    let taken = 0;
    for (const row of rows) {
      const entry = byName.get(row.case);
      if (!entry || (row.result_sha256 && row.result_sha256 !== entry.result) || (row.mark && !(row.mark in MARKS))) continue;
      this.set(entry, { mark: row.mark, note: row.note || "" }, row.time);
      taken++;
    }
    return [taken, rows.length - taken];
  }
}

/** Rows of a CSV file with a header, as objects. */
function readCsv(text) {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    const row = rows.at(-1);
    if (quoted && letter === '"' && text[i + 1] === '"') row[row.length - 1] += text[++i];
    else if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === ",") row.push("");
    else if (!quoted && letter === "\n") rows.push([""]);
    else if (quoted || letter !== "\r") row[row.length - 1] += letter;
  }
  const [header, ...body] = rows.filter((row) => row.length > 1).map((row) => row.map((cell) => cell.replace(/^'(?=[=+\-@\t\r'])/, "")));
  return body.map((row) => Object.fromEntries((header || []).map((name, i) => [name.trim(), row[i] ?? ""])));
}

/** Offer a text as a file. */
function download(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

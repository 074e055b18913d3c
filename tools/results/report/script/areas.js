// Areas along the body, one line a structure; the slice that is shown is marked.

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

class AreaChart {
  static width = 360;
  static height = 120;

  /** Rows of measures.csv that name a slice: structure, measure, slice, value, unit. */
  constructor(rows, scan, onSlice) {
    const areas = rows.filter((row) => row[1] === "area");
    this.slices = [...new Set(areas.map((row) => Number(row[2])))].sort((a, b) => a - b);
    const [first, last] = [this.slices[0], this.slices.at(-1)];
    const highest = Math.max(...areas.map((row) => Number(row[3])));
    this.x = (slice) => 8 + ((slice - first) / Math.max(1, last - first)) * (AreaChart.width - 16);
    const y = (area) => AreaChart.height - 8 - (area / highest) * (AreaChart.height - 16);
    this.marker = draw("line", { class: "marker", y1: 0, y2: AreaChart.height, x1: -9, x2: -9 });
    const svg = draw("svg", { viewBox: `0 0 ${AreaChart.width} ${AreaChart.height}`, "aria-hidden": "true" }, this.marker);
    for (const [name, own] of grouped(areas)) {
      const colour = scan.byName.get(name)?.colour || "currentColor";
      const points = own.map((row) => [this.x(Number(row[2])), y(Number(row[3]))]);
      svg.append(draw("polyline", { points: points.map((point) => point.join(",")).join(" "), stroke: colour }));
      svg.append(...points.map(([cx, cy]) => draw("circle", { cx, cy, r: 2.2, fill: colour })));
    }
    svg.addEventListener("click", (event) => {
      const x = (event.offsetX / svg.clientWidth) * AreaChart.width;
      onSlice(this.slices.reduce((best, slice) => (Math.abs(this.x(slice) - x) < Math.abs(this.x(best) - x) ? slice : best)));
    });
    this.element = make("figure", { class: "areas" }, svg,
      make("figcaption", {}, `areas of slices ${first} to ${last}, up to ${highest.toFixed(0)} ${areas[0][4]}; click to go to a slice`));
  }

  mark(slice) {
    const x = slice < this.slices[0] || slice > this.slices.at(-1) ? -9 : this.x(slice);
    this.marker.setAttribute("x1", x);
    this.marker.setAttribute("x2", x);
  }
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row[0], [...(groups.get(row[0]) || []), row]);
  return groups;
}

// The viewer and its controls; one serves all cases.

/** An element with attributes and children; texts are texts. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const CT_WINDOWS = { bone: [-250, 900], "soft tissue": [-160, 240], lung: [-1350, 150], brain: [0, 80] };

class Viewer {
  constructor() {
    this.box = make("div", { class: "canvas" });
    this.listeners = [];
    this.style = { opacity: 0.35, outlines: true, shown: true };
    this.build();
  }

  build() {
    this.views = make("div", { class: "group", role: "group", "aria-label": "View" });
    this.outlines = make("input", { type: "checkbox", checked: true, onchange: () => this.restyle({ outlines: this.outlines.checked }) });
    this.shown = make("input", { type: "checkbox", checked: true, onchange: () => this.restyle({ shown: this.shown.checked }) });
    this.opacity = make("input", {
      type: "range", min: 0, max: 100, value: 35, "aria-label": "opacity of the filling",
      oninput: () => this.restyle({ opacity: this.opacity.value / 100 }),
    });
    this.styling = make("div", { class: "group", role: "group", "aria-label": "Labels" },
      make("label", {}, this.shown, " labels"), make("label", {}, this.outlines, " outlines"), make("label", { class: "range" }, "fill ", this.opacity));
    this.preset = make("select", { "aria-label": "window", onchange: () => this.choosePreset() });
    const number = (text, name) => (this[name] = make("input", { type: "number", "aria-label": text, onchange: () => this.typeWindow() }));
    const windowing = make("div", { class: "group", role: "group", "aria-label": "Window" },
      make("label", {}, "window ", this.preset),
      make("label", {}, "width ", number("window width", "width")), make("label", {}, "level ", number("window level", "level")));
    const zoom = make("div", { class: "group", role: "group", "aria-label": "Zoom" },
      make("button", { type: "button", "aria-label": "zoom out", onclick: () => this.zoom(0.8) }, "−"),
      make("button", { type: "button", "aria-label": "zoom in", onclick: () => this.zoom(1.25) }, "+"),
      make("button", { type: "button", "aria-label": "fit the whole image", onclick: () => this.zoom(0) }, "fit"));
    this.sliders = make("div", { class: "sliders" });
    this.readout = make("output", { class: "readout" });
    this.notice = make("p", { class: "notice", hidden: true });
    this.element = make("div", { class: "viewer", role: "group", "aria-label": "Images" },
      make("div", { class: "toolbar" }, this.views, this.styling, windowing, zoom), this.notice, this.box, this.sliders, this.readout);
  }

  /** Call a function with the voxel that is shown, whenever it changes. */
  onMove(listener) {
    this.listeners.push(listener);
  }

  /** Show a scan in an element of the page. */
  async open(scan, stage) {
    stage.append(this.element);
    this.scan = scan;
    if (!this.display) await this.start();
    this.controls(scan);
    await this.display.show(scan);
    this.setWindow(...scan.window);
    this.restyle({});
    this.setView(this.roomForAll(scan) ? "all" : scan.plane);
    this.move((scan.labels.length && scan.centre()) || scan.middle());
  }

  /** Whether all planes are worth showing: not of a picture or a few thick slices, nor on a phone. */
  roomForAll(scan) {
    const extents = scan.dims.map((size, axis) => size * scan.image.spacing[axis]);
    const thin = Math.min(...extents) < Math.max(...extents) / 5;
    return !scan.flat && !thin && this.box.clientWidth >= 480 && this.display.constructor.views.includes("all");
  }

  async start() {
    try {
      await loadNiivue();
      this.display = await NiivueView.make(this.box, (voxel) => this.moved(voxel), (low, high) => this.showWindow(low, high));
    } catch (error) {
      this.display = new SliceView(this.box, (voxel) => this.move(voxel));
      this.notice.textContent = `One plane at a time, without 3D: this browser cannot draw volumes (${error.message}).`;
      this.notice.hidden = false;
    }
    this.canvas = this.display.canvas;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    for (const type of ["keydown", "keyup"]) this.canvas.addEventListener(type, (event) => this.key(event, type === "keydown"), true);
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { capture: true, passive: false });
    for (const type of ["touchstart", "touchmove", "touchend"]) this.canvas.addEventListener(type, (event) => this.pinch(event), { capture: true, passive: false });
    new ResizeObserver(() => this.scan && this.display.redraw()).observe(this.box);
  }

  controls(scan) {
    this.canvas.setAttribute("aria-label", `Image of ${scan.name}. Arrow keys and Page Up and Down move through slices, question mark lists all keys.`);
    const views = this.display.constructor.views.filter((name) => !scan.flat || name === scan.plane);
    this.views.replaceChildren(...views.map((name) => make("button", { type: "button", "data-view": name, onclick: () => this.setView(name) }, name)));
    this.views.hidden = scan.flat;
    this.styling.hidden = !scan.labels.length;
    this.presets = { ...(scan.hounsfield ? CT_WINDOWS : {}), "full range": extremes(scan) };
    if (!Object.values(this.presets).some(([low, high]) => low === scan.window[0] && high === scan.window[1])) this.presets = { usual: scan.window, ...this.presets };
    this.preset.replaceChildren(...[...Object.keys(this.presets), "own"].map((name) => make("option", { value: name }, name)));
    this.ranges = [2, 1, 0].filter((axis) => scan.dims[axis] > 1 && !scan.flat).map((axis) => {
      const range = make("input", { type: "range", min: 0, max: scan.dims[axis] - 1, "data-axis": axis, oninput: () => this.slide(axis, Number(range.value)) });
      const text = make("output", { class: "place" });
      this.sliders.append(range);
      return { axis, range, text };
    });
    this.sliders.replaceChildren(...this.ranges.map(({ axis, range, text }) => make("label", {}, make("span", {}, PLANES[axis]), range, text)));
    const coarse = Math.max(...scan.factors) > 1;
    this.coarse = coarse ? ` Shown coarser than it is, ${scan.factors.join(" × ")} voxels as one; the mask's file has them all.` : "";
  }

  setView(name) {
    this.current = name;
    for (const button of this.views.children) button.setAttribute("aria-pressed", button.dataset.view === name);
    this.display.view(name);
  }

  restyle(change) {
    Object.assign(this.style, change);
    this.outlines.checked = this.style.outlines;
    this.shown.checked = this.style.shown;
    if (this.scan && this.display) this.display.labels(this.style);
  }

  zoom(factor) {
    this.display.zoom(factor);
  }

  slide(axis, index) {
    const voxel = [...this.voxel];
    voxel[axis] = index;
    this.move(voxel);
  }

  /** Show a voxel in all planes. */
  move(voxel) {
    this.moved(this.scan.inside(voxel));
    this.display.move(this.voxel);
  }

  moved(voxel) {
    const { scan } = this;
    this.voxel = voxel;
    for (const { axis, range, text } of this.ranges) {
      range.value = voxel[axis];
      text.textContent = scan.numberOf(axis, voxel[axis]);
      range.setAttribute("aria-valuetext", `${PLANES[axis]} slice ${text.textContent}`);
    }
    const label = scan.label(voxel);
    const value = Number(scan.value(voxel).toPrecision(5));
    const place = scan.flat ? "" : `${scan.mm(voxel).map((mm) => mm.toFixed(1)).join(", ")} mm (right, front, up) · `;
    this.readout.textContent = `${place}${value}${scan.hounsfield ? " HU" : ""}${label ? ` · ${label.name}` : ""}.${this.coarse}`;
    for (const listener of this.listeners) listener(voxel);
  }

  choosePreset() {
    const range = this.presets[this.preset.value];
    if (range) this.setWindow(...range);
  }

  typeWindow() {
    const [width, level] = [Number(this.width.value), Number(this.level.value)];
    if (width > 0 && Number.isFinite(level)) this.setWindow(level - width / 2, level + width / 2);
  }

  setWindow(low, high) {
    this.showWindow(low, high);
    this.display.window(low, high);
  }

  showWindow(low, high) {
    const round = (number) => Number(number.toPrecision(4));
    [this.width.value, this.level.value] = [round(high - low), round((low + high) / 2)];
    const name = Object.keys(this.presets).find((key) => this.presets[key][0] === low && this.presets[key][1] === high);
    this.preset.value = name || "own";
  }

  toggle(label) {
    label.hidden = !label.hidden;
    this.display.hide();
  }

  /** The plane whose slices keys move through. */
  plane() {
    return this.scan.flat ? null : PLANES.includes(this.current) ? PLANES.indexOf(this.current) : 2;
  }

  key(event, down) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const axis = this.plane();
    const steps = { ArrowUp: [axis, 1], ArrowDown: [axis, -1], PageUp: [axis, 10], PageDown: [axis, -10], ArrowLeft: [0, 1], ArrowRight: [0, -1] };
    const step = steps[event.key];
    event.stopImmediatePropagation(); // NiiVue has keys of its own
    if (!step || axis === null) {
      if (down) this.element.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, bubbles: true, cancelable: true }));
      return;
    }
    event.preventDefault();
    if (down) this.slide(step[0], this.voxel[step[0]] + step[1]);
  }

  /** Two fingers zoom. */
  pinch(event) {
    if (event.touches.length !== 2) {
      this.span = 0;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const [one, other] = event.touches;
    const span = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (this.span) this.zoom(span / this.span);
    this.span = span;
  }

  wheel(event) {
    if (!event.ctrlKey && !this.scan.flat) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }
}

function extremes(scan) {
  let [low, high] = [Infinity, -Infinity];
  for (const voxel of scan.image.voxels) {
    if (voxel < low) low = voxel;
    if (voxel > high) high = voxel;
  }
  return [low, Math.max(high, low + 1)].map((voxel) => voxel * scan.image.slope + scan.image.intercept);
}

/** Load NiiVue once: from this page where it is a single file, else from beside it. */
function loadNiivue() {
  loadNiivue.done ??= new Promise((resolve, reject) => {
    if (window.niivue?.Niivue) return resolve();
    const script = make("script", {});
    script.nonce = NONCE;
    const embedded = document.getElementById("niivue-script");
    script.onload = resolve;
    script.onerror = () => reject(new Error("report_files/niivue.js is missing"));
    if (embedded) script.textContent = embedded.textContent;
    else script.src = `${SETTINGS.files}/niivue.js`;
    document.head.append(script);
    if (embedded) resolve();
  });
  return loadNiivue.done;
}

// One plane at a time, where the browser has no WebGL 2.

class SliceView {
  static views = ["axial", "coronal", "sagittal"];

  constructor(box, onMove) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "slice";
    box.replaceChildren(this.canvas);
    this.onMove = onMove;
    this.scale = 1;
    this.style = { opacity: 0.4, outlines: true, shown: true };
    this.canvas.addEventListener("click", (event) => this.touched(event));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const voxel = [...this.voxel];
      voxel[this.axis] -= Math.sign(event.deltaY);
      this.onMove(this.scan.inside(voxel));
    });
  }

  async show(scan) {
    this.scan = scan;
    this.axis = scan.axis;
    this.range = scan.window;
    this.voxel = scan.middle();
  }

  view(name) {
    this.axis = Math.max(0, PLANES.indexOf(name));
    this.draw();
  }

  move(voxel) {
    this.voxel = voxel;
    this.draw();
  }

  window(low, high) {
    this.range = [low, high];
    this.draw();
  }

  labels(style) {
    this.style = style;
    this.draw();
  }

  hide() {
    this.draw();
  }

  zoom(factor) {
    this.scale = factor ? Math.min(16, Math.max(1, this.scale * factor)) : 1;
    this.draw();
  }

  redraw() {
    this.draw();
  }

  /** Axes across and up of the plane; both begin at the right and at the bottom of the picture. */
  axes() {
    return [0, 1, 2].filter((axis) => axis !== this.axis);
  }

  draw() {
    const { scan, axis, canvas } = this;
    if (!scan) return;
    const [across, up] = this.axes();
    const [width, height] = [scan.dims[across], scan.dims[up]];
    const picture = new ImageData(width, height);
    const colours = new Map(scan.labels.filter((label) => !label.hidden).map(({ value, colour }) => [value, [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))]));
    const voxel = [0, 0, 0];
    voxel[axis] = this.voxel[axis];
    const value = (column, row) => {
      voxel[across] = width - 1 - column;
      voxel[up] = height - 1 - row;
      return scan.index(voxel);
    };
    const labelled = (column, row) => (column < 0 || row < 0 || column >= width || row >= height ? -1 : scan.mask.voxels[value(column, row)]);
    const [low, high] = this.range;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const index = value(column, row);
        const gray = ((scan.image.voxels[index] * scan.image.slope + scan.image.intercept - low) / (high - low)) * 255;
        const label = scan.mask && this.style.shown ? scan.mask.voxels[index] : 0;
        const colour = colours.get(label);
        const border = colour && this.style.outlines && [[-1, 0], [1, 0], [0, -1], [0, 1]].some(([x, y]) => labelled(column + x, row + y) !== label);
        const share = colour ? (border ? 1 : this.style.opacity) : 0;
        for (let part = 0; part < 3; part++) picture.data[4 * (row * width + column) + part] = gray + share * ((colour ? colour[part] : 0) - Math.min(255, Math.max(0, gray)));
        picture.data[4 * (row * width + column) + 3] = 255;
      }
    }
    this.place(picture, width * scan.image.spacing[across], height * scan.image.spacing[up]);
  }

  place(picture, width, height) {
    const { canvas, scan } = this;
    const raw = new OffscreenCanvas(picture.width, picture.height);
    raw.getContext("2d").putImageData(picture, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    const fit = Math.min(canvas.width / width, canvas.height / height) * this.scale;
    const [across, up] = this.axes();
    const centre = this.scale === 1 ? [0.5, 0.5] : [across, up].map((axis) => 1 - (this.voxel[axis] + 0.5) / scan.dims[axis]);
    this.box = [canvas.width / 2 - centre[0] * width * fit, canvas.height / 2 - centre[1] * height * fit, width * fit, height * fit];
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(raw, ...this.box);
    if (!scan.oriented) return;
    context.font = `${16 * ratio}px sans-serif`;
    context.fillStyle = "#ffd94d";
    context.textBaseline = "middle";
    context.fillText(SIDES[across][0], 6 * ratio, canvas.height / 2);
    context.textAlign = "right";
    context.fillText(SIDES[across][1], canvas.width - 6 * ratio, canvas.height / 2);
    context.textAlign = "center";
    context.fillText(SIDES[up][0], canvas.width / 2, 12 * ratio);
    context.fillText(SIDES[up][1], canvas.width / 2, canvas.height - 12 * ratio);
  }

  touched(event) {
    const ratio = window.devicePixelRatio || 1;
    const [left, top, width, height] = this.box;
    const [across, up] = this.axes();
    const voxel = [...this.voxel];
    voxel[across] = (1 - (event.offsetX * ratio - left) / width) * this.scan.dims[across] - 0.5;
    voxel[up] = (1 - (event.offsetY * ratio - top) / height) * this.scan.dims[up] - 0.5;
    this.onMove(this.scan.inside(voxel));
  }
}

// An image and its labels, as the data of a case hold them.

const PLANES = ["sagittal", "coronal", "axial"]; // by the axis that counts their slices
const SIDES = [["R", "L"], ["A", "P"], ["S", "I"]]; // at the end and at the beginning of each axis

async function unpack(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** The voxels of a NIfTI file as the report writes them: little-endian, one volume, an sform. */
function readNifti(buffer) {
  const head = new DataView(buffer);
  const real = (offset) => head.getFloat32(offset, true);
  const dims = [42, 44, 46].map((offset) => head.getInt16(offset, true));
  const kind = { 2: Uint8Array, 4: Int16Array, 512: Uint16Array }[head.getInt16(70, true)];
  return {
    buffer,
    dims,
    spacing: [80, 84, 88].map(real),
    affine: [280, 296, 312].map((row) => [0, 4, 8, 12].map((column) => real(row + column))),
    slope: real(112),
    intercept: real(116),
    voxels: new kind(buffer, real(108), dims[0] * dims[1] * dims[2]),
  };
}

class Scan {
  static async read(data) {
    const scan = new Scan();
    Object.assign(scan, data);
    scan.image = readNifti(await unpack(data.image));
    scan.mask = data.mask && readNifti(await unpack(data.mask));
    scan.dims = scan.image.dims;
    scan.axis = PLANES.indexOf(data.plane);
    scan.labels = data.labels.map(([value, name, colour]) => ({ value, name, colour, hidden: false }));
    scan.byName = new Map(scan.labels.map((label) => [label.name, label]));
    return scan;
  }

  index([x, y, z]) {
    return x + this.dims[0] * (y + this.dims[1] * z);
  }

  value(voxel) {
    return this.image.voxels[this.index(voxel)] * this.image.slope + this.image.intercept;
  }

  label(voxel) {
    const value = this.mask ? this.mask.voxels[this.index(voxel)] : 0;
    return this.labels.find((label) => label.value === value);
  }

  mm(voxel) {
    return this.image.affine.map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);
  }

  middle() {
    return this.dims.map((size) => Math.floor(size / 2));
  }

  inside(voxel) {
    return voxel.map((place, axis) => Math.min(this.dims[axis] - 1, Math.max(0, Math.round(place))));
  }

  /** The number of a slice, as measures.csv counts axial ones. */
  numberOf(axis, index) {
    const full = Math.min(this.shape[axis] - 1, index * this.factors[axis] + Math.floor(this.factors[axis] / 2));
    return this.numbering && this.numbering[0] === axis ? this.numbering[1] + this.numbering[2] * full : full;
  }

  /** Axis and index of the slice that has a number in measures.csv. */
  sliceOf(number) {
    const [axis, first, step] = this.numbering || [this.axis, 0, 1];
    const index = Math.floor(((number - first) * step) / this.factors[axis]);
    return [axis, Math.min(this.dims[axis] - 1, Math.max(0, index))];
  }

  /** Call a function with every labelled voxel and its label. */
  eachLabelled(visit) {
    const [nx, ny, nz] = this.dims;
    const { voxels } = this.mask;
    let i = 0;
    for (let z = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++, i++) if (voxels[i]) visit([x, y, z], voxels[i]);
  }

  /** Of the voxels that a test accepts, the one nearest to their centre; null where it accepts none. */
  nearestToCentre(accepts) {
    let count = 0;
    const sums = [0, 0, 0];
    this.eachLabelled((voxel, value) => {
      if (!accepts(voxel, value)) return;
      count++;
      for (let axis = 0; axis < 3; axis++) sums[axis] += voxel[axis];
    });
    let nearest = null, least = Infinity;
    this.eachLabelled((voxel, value) => {
      if (!accepts(voxel, value)) return;
      const distance = voxel.reduce((sum, place, axis) => sum + ((place - sums[axis] / count) * this.image.spacing[axis]) ** 2, 0);
      if (distance < least) [least, nearest] = [distance, voxel];
    });
    return nearest;
  }

  /** The labelled voxel nearest to the centre of all. */
  centre() {
    return this.nearestToCentre(() => true);
  }

  /** A voxel in the middle of a label on one slice, or on the slice with most of it. */
  placeOf(value, axis = this.numbering ? this.numbering[0] : this.axis, index = null) {
    const counts = new Float64Array(this.dims[axis]);
    this.eachLabelled((voxel, label) => (counts[voxel[axis]] += label === value));
    const slice = index ?? counts.indexOf(Math.max(...counts));
    return this.nearestToCentre((voxel, label) => label === value && voxel[axis] === slice);
  }
}

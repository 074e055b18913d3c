// Three linked planes and 3D, drawn by NiiVue.

// Labels are not interpolated; an outline is as wide on the screen at any zoom. NiiVue finds uniforms that are declared one by one.
const SLICE_SHADER = `#version 300 es
precision highp int;
precision highp float;
uniform highp sampler3D volume;
uniform highp sampler3D overlay;
uniform float overlays;
uniform float opacity;
uniform float overlayAlphaShader;
uniform float overlayOutlineWidth;
in vec3 texPos;
out vec4 color;
vec4 labelAt(vec3 place) {
  ivec3 size = textureSize(overlay, 0);
  vec4 found = texelFetch(overlay, clamp(ivec3(floor(place * vec3(size))), ivec3(0), size - 1), 0);
  return found.a > 0.0 ? vec4(found.rgb, 1.0) : vec4(0.0);
}
bool differs(vec4 one, vec3 place) { return distance(one, labelAt(place)) > 0.02; }
void main() {
  color = vec4(texture(volume, texPos).rgb, opacity);
  if (overlays < 1.0) return;
  vec4 here = labelAt(texPos);
  if (here.a == 0.0) return;
  vec3 across = dFdx(texPos) * overlayOutlineWidth, along = dFdy(texPos) * overlayOutlineWidth;
  bool border = overlayOutlineWidth > 0.0 && (differs(here, texPos + across) || differs(here, texPos - across)
    || differs(here, texPos + along) || differs(here, texPos - along));
  color.rgb = mix(color.rgb, here.rgb, border ? 1.0 : overlayAlphaShader);
}`;
const OUTLINE = 1.5; // CSS pixels
const VIEWS = { axial: 0, coronal: 1, sagittal: 2, all: 3, "3D": 4 };

class NiivueView {
  static views = Object.keys(VIEWS);

  /** Raises where the browser has no WebGL 2. */
  static async make(box, onMove, onWindow) {
    if (!document.createElement("canvas").getContext("webgl2")) throw new Error("no WebGL 2");
    const view = new NiivueView();
    const canvas = document.createElement("canvas");
    box.replaceChildren(canvas);
    const drag = niivue.DRAG_MODE;
    view.nv = new niivue.Niivue({
      logLevel: "error",
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      showAllOrientationMarkers: true,
      fontColor: [1, 0.85, 0.3, 1],
      fontSizeScaling: 0.3,
      multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
      multiplanarPadPixels: 8,
      crosshairColor: [0.62, 0.62, 0.62, 1],
      crosshairWidth: 0.45,
      crosshairWidthUnit: "percent",
      crosshairGap: 8,
      dragAndDropEnabled: false,
      mouseEventConfig: {
        leftButton: { primary: drag.crosshair, withShift: drag.pan, withCtrl: drag.windowing },
        rightButton: drag.windowing,
        centerButton: drag.pan,
      },
      touchEventConfig: { singleTouch: drag.crosshair, doubleTouch: drag.pan },
    });
    await view.nv.attachToCanvas(canvas, false);
    view.nv.setCustomSliceShader(SLICE_SHADER);
    view.nv.setRenderAzimuthElevation(200, 10);
    view.nv.onLocationChange = ({ vox }) => view.scan && onMove(view.scan.inside([...vox].slice(0, 3)));
    view.nv.onIntensityChange = (volume) => onWindow(volume.cal_min, volume.cal_max);
    view.canvas = canvas;
    return view;
  }

  async show(scan) {
    this.scan = null;
    while (this.nv.volumes.length) this.nv.removeVolumeByIndex(this.nv.volumes.length - 1);
    const image = await niivue.NVImage.new(scan.image.buffer.slice(0), "image.nii");
    [image.cal_min, image.cal_max] = scan.window;
    this.nv.opts.isOrientationTextVisible = scan.oriented;
    this.nv.addVolume(image);
    if (scan.mask) {
      const mask = await niivue.NVImage.new(scan.mask.buffer.slice(0), "mask.nii");
      mask.setColormapLabel(this.colours(scan));
      this.nv.addVolume(mask);
    }
    this.nv.setInterpolation(false);
    this.zoom(0);
    this.scan = scan;
  }

  colours(scan) {
    const table = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: [""] };
    for (const { value, name, colour, hidden } of scan.labels) {
      const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
      for (const [channel, part] of Object.entries({ R: red, G: green, B: blue, A: hidden ? 0 : 255, I: value, labels: name })) table[channel].push(part);
    }
    return table;
  }

  view(name) {
    this.nv.setSliceType(VIEWS[name]);
  }

  move(voxel) {
    this.nv.scene.crosshairPos = this.nv.vox2frac(voxel);
    this.nv.drawScene();
  }

  window(low, high) {
    const image = this.nv.volumes[0];
    if (image.cal_min === low && image.cal_max === high) return;
    [image.cal_min, image.cal_max] = [low, high];
    this.nv.updateGLVolume();
  }

  /** How labels are drawn: opacity of the filling from 0 to 1, whether with outlines, whether at all. */
  labels({ opacity, outlines, shown }) {
    this.nv.overlayAlphaShader = shown ? opacity : 0;
    this.nv.overlayOutlineWidth = shown && outlines ? OUTLINE * (window.devicePixelRatio || 1) : 0;
    if (this.nv.volumes.length > 1 && this.nv.volumes[1].opacity !== Number(shown)) this.nv.setOpacity(1, Number(shown));
    this.nv.drawScene();
  }

  hide() {
    this.nv.volumes[1].setColormapLabel(this.colours(this.scan));
    this.nv.updateGLVolume();
  }

  /** Zoom by a factor about the place that is shown; 0 shows all. */
  zoom(factor) {
    const scene = this.nv.scene;
    if (!factor) {
      this.nv.setPan2Dxyzmm([0, 0, 0, 1]);
      this.nv.setScale(1);
      return;
    }
    const [x, y, z, before] = scene.pan2Dxyzmm;
    const after = Math.min(32, Math.max(0.25, before * factor));
    const mm = this.nv.frac2mm(scene.crosshairPos);
    const moved = [x, y, z].map((pan, axis) => pan + (before - after) * mm[axis]);
    this.nv.setPan2Dxyzmm([...moved, after]);
    this.nv.setScale(Math.min(4, Math.max(0.3, scene.volScaleMultiplier * factor)));
  }

  redraw() {
    this.nv.resizeListener();
  }
}

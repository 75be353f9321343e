// COCO's compressed run lengths, painted on a canvas.
const MASK_COLOURS = [[25, 211, 174], [255, 138, 42]];

function runsOf(counts) {
  const runs = [];
  for (let at = 0; at < counts.length;) {
    let value = 0, shift = 0, more = true;
    while (more) {
      const code = counts.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
      more = (code & 32) !== 0;
      if (!more && code & 16) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

function drawMask([height, width, counts], which) {
  const canvas = h("canvas", { class: `mask ${which ? "p" : "t"}`, width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  let at = 0, inside = false;
  for (const run of runsOf(counts)) {
    for (let end = at + run; inside && at < end; at++) {
      const pixel = 4 * ((at % height) * width + Math.floor(at / height));
      image.data.set([...MASK_COLOURS[which], 105], pixel);
    }
    if (!inside) at += run;
    inside = !inside;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

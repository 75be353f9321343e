// A sample's image with its boxes and masks.
const SMALL = 160, FEW = 3, MOST_ENLARGED = 4;

// A browser turns an image as its EXIF says, but boxes are those of the unturned one: so it is turned back.
const UNTURN = {
  2: (w, h) => [-1, 0, 0, 1, w, 0], 3: (w, h) => [-1, 0, 0, -1, w, h], 4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0], 6: (w, h) => [0, -1, 1, 0, 0, h], 7: (w, h) => [0, -1, -1, 0, w, h],
  8: (w) => [0, 1, -1, 0, w, 0],
};

function drawImage({ src, turned }, [width, height]) {
  const [wide, high] = turned >= 5 ? [height, width] : [width, height];
  const matrix = UNTURN[turned]?.(width, height);
  return svg("image", { href: src, width: wide, height: high, preserveAspectRatio: "none",
    ...(matrix ? { transform: `matrix(${matrix})` } : {}) });
}

function drawBoxes(boxes, kind) {
  return boxes.map(([x1, y1, x2, y2], k) => svg("g", { class: kind, "data-box": `${kind}${k}` }, ...["halo", "line"].map(
    (line) => svg("rect", { class: line, x: x1, y: y1, width: x2 - x1, height: y2 - y1 }))));
}

function boxLabel(sample, k) {
  const [matched, , iou] = sample.pairs[k];
  if (page.kind === "grounding") return `IoU ${rounded(iou)}`;
  const many = sample.scores.length > 1 ? `${k + 1}: ` : "";
  if (sample.scores.length > FEW) return many + rounded(sample.scores[k]); // longer ones would hide a crowded picture
  return `${many}${rounded(sample.scores[k])} · ${matched ? `IoU ${rounded(iou)}` : "no match"}`;
}

function drawLabels(sample, truth, predicted) {
  const unit = sample.size[0] / shownWidth(sample); // a pixel of the screen
  const named = predicted.map((box, k) => ({ box, label: boxLabel(sample, k), kind: "p" }));
  if (truth.length > 1) named.push(...truth.map((box, k) => ({ box, label: `T${k + 1}`, kind: "t" })));
  return placeLabels(named, sample.size, unit).map(({ x, y, label, kind }) =>
    svg("text", { class: kind, x, y, "font-size": FONT * unit, "stroke-width": 3 * unit }, label));
}

// As wide as there is room for, not higher than the window, and small images not too coarse.
function shownWidth({ size: [width, height] }) {
  const room = detail.clientWidth - 2 * parseFloat(getComputedStyle(detail).paddingLeft);
  return Math.min(room, (0.66 * innerHeight * width) / height, MOST_ENLARGED * width);
}

// Without labels it is the small picture of the list.
function drawPicture(sample, { labels }) {
  const [width, height] = sample.size, picture = pictureOf(sample);
  const truth = hasBoxes ? boxesOf(sample.truth) : [], predicted = boxesOf(sample.boxes);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    ...drawBoxes(truth, "t"), ...drawBoxes(predicted, "p"), ...(labels ? drawLabels(sample, truth, predicted) : []));
  const small = Math.max(width, height) <= SMALL;
  const frame = h("div", { class: `frame${small ? " small" : ""}`, style: { aspectRatio: `${width} / ${height}` } });
  const fail = () => {
    frame.classList.add("empty");
    if (labels) frame.append(h("span", { class: "absent" }, picture ? "the image isn't where it was" : "no image in this page"));
  };
  if (picture) {
    const image = drawImage(picture, sample.size);
    image.addEventListener("error", fail, { once: true });
    frame.append(svg("svg", { class: "image", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none",
      "aria-hidden": "true" }, image));
  } else fail();
  if (labels) {
    frame.style.width = `${shownWidth(sample)}px`;
    (sample.masks ?? []).forEach((mask, which) => mask && frame.append(drawMask(mask, which)));
    const boxes = `${truth.length} true, ${predicted.length} predicted boxes`;
    fill(frame, { role: "img", "aria-label": plain(titleOf(sample)) + (hasBoxes ? `: ${boxes}` : "") }, []);
  }
  frame.append(drawing);
  return frame;
}

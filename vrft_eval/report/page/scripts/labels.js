// Where the labels of boxes go: inside the picture, and not on one another. Sizes are in pixels of the screen.
const FONT = 15, LETTER = 8.6, ABOVE = 13, BELOW = 4, GAP = 5;

// boxes are { box: [x1, y1, x2, y2], label, kind }; a label above its box, else inside, else below, else left out.
function placeLabels(boxes, [width, height], unit) {
  const taken = [], labels = [];
  for (const { box: [x1, y1, , y2], label, kind } of boxes) {
    const wide = LETTER * unit * label.length;
    const x = Math.max(Math.min(x1 + 2 * unit, width - wide), 2 * unit);
    const lines = [y1 - GAP * unit, y1 + (FONT + 2) * unit, y2 - GAP * unit, y2 + (FONT + 1) * unit];
    const free = lines.map((y) => [x, y - ABOVE * unit, x + wide, y + BELOW * unit, y]).find(([l, t, r, b]) =>
      t >= 0 && b <= height && !taken.some(([l2, t2, r2, b2]) => l < r2 && l2 < r && t < b2 && t2 < b));
    if (free) {
      taken.push(free);
      labels.push({ x, y: free[4], label, kind });
    }
  }
  return labels;
}

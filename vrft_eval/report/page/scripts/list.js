// The list of samples: of thousands only the rows in view are there.
const ROW = 68, SPARE = 4;
const listBox = find(".list");
const sizer = h("div", { class: "sizer" });
const rows = new Map();
let listed = [];

function outcomeOf(sample) {
  return sample.keys.find((key) => OUTCOMES.includes(key));
}

function makeRow(place, k) {
  const sample = samples[k], outcome = outcomeOf(sample);
  const figures = hasBoxes && sample.iou !== undefined ? `IoU ${rounded(sample.iou)}` : "";
  return h("div", { class: "item", role: "option", id: `row${k}`, "data-k": k, "aria-setsize": listed.length,
    "aria-posinset": place + 1, style: { top: `${place * ROW}px` } },
    drawPicture(sample, { labels: false }),
    h("span", { class: "name" }, h("b", {}, plain(titleOf(sample))), h("span", { class: "id" }, plain(sample.id))),
    h("span", { class: "figures" }, h("span", { class: outcome }, outcome), h("b", {}, rounded(sample.reward)), h("span", {}, figures)));
}

function showRows() {
  const first = Math.max(0, Math.floor(listBox.scrollTop / ROW) - SPARE);
  const last = Math.min(listed.length, Math.ceil((listBox.scrollTop + listBox.clientHeight) / ROW) + SPARE);
  for (const [place, row] of rows) {
    if (place < first || place >= last) {
      row.remove();
      rows.delete(place);
    }
  }
  for (let place = first; place < last; place++) {
    if (!rows.has(place)) {
      rows.set(place, makeRow(place, listed[place]));
      sizer.append(rows.get(place));
    }
  }
}

function mark(selected) {
  for (const [place, row] of rows) row.setAttribute("aria-selected", String(listed[place] === selected));
  if (find(`#row${selected}`)) listBox.setAttribute("aria-activedescendant", `row${selected}`);
  else listBox.removeAttribute("aria-activedescendant");
}

function showList(places, selected) {
  if (places !== listed) {
    listed = places;
    for (const row of rows.values()) row.remove();
    rows.clear();
    sizer.style.height = `${listed.length * ROW}px`;
    listBox.classList.toggle("none", listed.length === 0);
    listBox.scrollTop = 0;
  }
  const place = listed.indexOf(selected);
  if (place >= 0) {
    const top = place * ROW, low = top + ROW - listBox.clientHeight;
    if (listBox.scrollTop > top || listBox.scrollTop < low) listBox.scrollTop = listBox.scrollTop > top ? top : low;
  }
  showRows();
  mark(selected);
}

listBox.append(sizer);

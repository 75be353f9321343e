// What is asked for, by buttons, menus and the search field; layers of the picture.
const LAYERS = { t: "true boxes", p: "predicted boxes", m: "masks" };
const toolbar = find(".tools");
const chips = new Map();
const found = h("span", { class: "found", role: "status" });
const categoryMenu = h("select", { "aria-label": "category" }, new Option("every category", ""));
const sortMenu = h("select", { "aria-label": "order" }, new Option("in the data's order", ""));
const searchField = h("input", { type: "search", placeholder: "search (press /)", "aria-label": "search in ids, categories and answers" });
const layerBoxes = {};

function addChip(key, label, meaning, count) {
  const chip = h("button", { type: "button", class: "chip", title: meaning, "data-show": key, "aria-pressed": "false",
    onclick: () => key === "all" ? go({ show: [], sample: state.sample }) : toggleShow(key) }, `${label} `, h("span", {}, counted(count)));
  chips.set(key, chip);
  return chip;
}

function toggleShow(key) {
  const now = state.show;
  const others = OUTCOMES.includes(key) ? now.filter((other) => !OUTCOMES.includes(other)) : now;
  go({ show: now.includes(key) ? now.filter((other) => other !== key) : [...others, key] });
}

function addTools() {
  const meanings = [...Object.entries(page.outcomes).map(([key, meaning]) => [key, key, meaning]), ...page.filters];
  const used = meanings.filter(([key]) => counts[key]);
  toolbar.append(h("div", { class: "chips", role: "group", "aria-label": "show" },
    addChip("all", "all", "every sample of this page", samples.length), ...used.map((entry) => addChip(...entry, counts[entry[0]]))));
  const names = [...page.categories].sort((a, b) => a.localeCompare(b));
  categoryMenu.append(...names.map((name) => new Option(plain(name, 60), name)));
  const orders = Object.entries(ORDERS).filter(([, [, valueOf]]) => samples.some((sample) => typeof valueOf(sample) === "number"));
  sortMenu.append(...orders.map(([key, [label]]) => new Option(label, key)));
  const layers = hasBoxes ? Object.entries(LAYERS).filter(([key]) => key !== "m" || hasMasks) : [];
  for (const [key] of layers) layerBoxes[key] = h("input", { type: "checkbox", checked: true, value: key });
  toolbar.append(...(names.length > 1 && names.length < samples.length ? [categoryMenu] : []), sortMenu, searchField,
    ...layers.map(([key, label]) => h("label", {}, layerBoxes[key], h("span", { class: `key ${key}`, "aria-hidden": "true" }), label)), found,
    h("button", { type: "button", class: "plain help-button", "aria-label": "keys", onclick: showHelp }, "?"));
  categoryMenu.addEventListener("change", () => go({ category: categoryMenu.value }));
  sortMenu.addEventListener("change", () => go({ sort: sortMenu.value }));
  searchField.addEventListener("input", () => go({ q: searchField.value }, "replace"));
  for (const [key, box] of Object.entries(layerBoxes)) {
    box.addEventListener("change", () => find(".browse").classList.toggle(`no-${key}`, !box.checked));
  }
}

function toggleLayer(key) {
  layerBoxes[key]?.click();
}

function showTools(places) {
  for (const [key, chip] of chips) {
    chip.setAttribute("aria-pressed", String(key === "all" ? !state.show.length : state.show.includes(key)));
  }
  categoryMenu.value = state.category;
  sortMenu.value = state.sort;
  if (searchField.value !== state.q) searchField.value = state.q;
  const place = places.indexOf(current), of = counted(places.length);
  found.textContent = place < 0 ? `${of} samples` : `${counted(place + 1)} of ${of}`;
}

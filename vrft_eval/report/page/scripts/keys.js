// Keys: j and k (in the list arrows too), / to search, t, p and m for the layers, ? for help.
const HELP = [
  ["j, k", "next and previous sample; with the list in focus also the arrows, page up and down, home and end"],
  ["/", "search; escape leaves it"],
  ...Object.entries(LAYERS).map(([key, label]) => [key, `${label} on and off`]),
  ["?", "this help"],
];
const help = h("dialog", { class: "help", "aria-label": "keys" }, h("h3", {}, "Keys"),
  h("dl", { class: "facts" }, HELP.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
  h("form", { method: "dialog" }, h("button", { class: "plain" }, "close")));
document.body.append(help);

function showHelp() {
  if (!help.open) help.showModal();
}

const PAGE_STEP = 8;
const STEPS = {
  j: (at) => at + 1, k: (at) => at - 1,
  ArrowDown: (at) => at + 1, ArrowUp: (at) => at - 1, PageDown: (at) => at + PAGE_STEP, PageUp: (at) => at - PAGE_STEP,
  Home: () => 0, End: () => places.length - 1,
};

addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (target === searchField) {
    if (key === "Escape" || key === "Enter") listBox.focus();
    return;
  }
  if (target.closest?.("input[type=search], select, textarea")) return;
  const step = ["j", "k"].includes(key) || target === listBox ? STEPS[key] : undefined;
  if (step) select(step(places.indexOf(current)));
  else if (key === "/") searchField.focus();
  else if (key in LAYERS) toggleLayer(key);
  else if (key === "?") showHelp();
  else return;
  event.preventDefault();
});

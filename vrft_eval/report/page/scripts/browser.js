// The samples' browser: one state, in the address, from which list, tools and detail are shown.
let state = NOTHING;
let places = [];
let current = -1;

// Keep what is looked at in the address: "push" is a step that the back button takes back, "replace" isn't. What is
// found anew is looked at from its first sample on.
function go(change, how = "push") {
  state = { ...state, sample: "", ...change };
  history[`${how}State`](null, "", addressOf(state));
  show();
}

function show() {
  places = search(state);
  const wanted = byId.get(state.sample);
  const absent = state.sample && wanted === undefined;
  // A sample that was linked to is shown whatever is filtered; else one that the filters let through.
  const keep = wanted !== undefined && (places.includes(wanted) || linked);
  current = absent ? -1 : keep ? wanted : places[0] ?? -1;
  showList(places, current);
  showTools(places);
  if (current >= 0) showDetail(current, drawPicture(samples[current], { labels: true }));
  else showNothing(absent ? `Sample ${plain(state.sample)} is not in this page; its answer, if there is one, is in responses.jsonl.`
    : samples.length ? "No sample fits. Take a filter away, or empty the search." : "This run has no samples.");
}

let linked = false;

function follow({ scroll }) {
  const read = readAddress();
  if (!read) return;
  state = read;
  linked = true;
  show();
  linked = false;
  if (scroll && location.hash) find(".browser").scrollIntoView();
}

function select(place) {
  const k = places[Math.max(0, Math.min(places.length - 1, place))];
  if (k === undefined) return;
  go({ sample: samples[k].id }, "replace");
  const top = find(".browse").getBoundingClientRect().top;
  if (top < 0 || top > innerHeight * 0.6) find(".browser").scrollIntoView();
}

listBox.addEventListener("scroll", () => requestAnimationFrame(() => { showRows(); mark(current); }));
listBox.addEventListener("click", ({ target }) => {
  const row = target.closest(".item");
  if (row) go({ sample: samples[Number(row.dataset.k)].id });
});
detail.addEventListener("click", (event) => {
  if (!event.target.closest("a.id")) return;
  event.preventDefault(); // the link is there to be copied; followed, it would take the filters away
  go({ sample: samples[current].id });
});
new ResizeObserver(() => { showRows(); mark(current); }).observe(listBox);
addEventListener("resize", () => current >= 0 && showDetail(current, drawPicture(samples[current], { labels: true })));
addEventListener("popstate", () => follow({ scroll: false }));
addTools();
follow({ scroll: true });
if (!places.length && !state.sample) show();
setTimeout(readAhead, 300);

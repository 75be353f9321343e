// A run that goes on: asks how far it is, and puts a newer report in the older one's place, where the reader was.
const { status: statusUrl, page: pageUrl } = document.body.dataset;
const byId = (id) => document.getElementById(id);
const follow = byId("follow"), refresh = byId("refresh");
const EVERY = 2000, HIDDEN_EVERY = 15000, UNDISTURBED = 2000;
let frame = null, shownVersion = "", newest = null, touched = 0, loading = false;

function place(of) {
  const page = of.contentDocument, active = page.activeElement;
  return {
    hash: of.contentWindow.location.hash,
    scroll: [of.contentWindow.scrollX, of.contentWindow.scrollY],
    areas: [...page.querySelectorAll(".scroll, .list")].map((area) => [area.scrollLeft, area.scrollTop]),
    sorted: [...page.querySelectorAll("th[aria-sort]")].map((head) => [
      [...page.querySelectorAll("table")].indexOf(head.closest("table")), head.cellIndex, head.getAttribute("aria-sort"),
    ]),
    controls: [...page.querySelectorAll("input, select")].map((control) => [control.type, control.value, control.checked]),
    focus: active ? [...page.querySelectorAll("a, button, input, select, [tabindex]")].indexOf(active) : -1,
    caret: active && "selectionStart" in active ? active.selectionStart : null,
  };
}

function goTo(of, was) {
  const page = of.contentDocument;
  [...page.querySelectorAll("input, select")].forEach((control, k) => {
    const [type, value, checked] = was.controls[k] ?? [];
    if (type !== control.type || (value === control.value && checked === control.checked)) return;
    control.value = value;
    if (type === "checkbox" || type === "radio") control.checked = checked;
    control.dispatchEvent(new Event(type === "search" || type === "text" ? "input" : "change", { bubbles: true }));
  });
  for (const [table, column, order] of was.sorted) {
    const head = page.querySelectorAll("table")[table]?.tHead.rows[0].cells[column];
    for (let turn = 0; head && turn < 2 && head.getAttribute("aria-sort") !== order; turn++) head.querySelector("button")?.click();
  }
  if (was.focus >= 0) {
    const active = page.querySelectorAll("a, button, input, select, [tabindex]")[was.focus];
    active?.focus({ preventScroll: true });
    if (was.caret !== null && active && "setSelectionRange" in active && active.type !== "checkbox") active.setSelectionRange(was.caret, was.caret);
  }
  [...page.querySelectorAll(".scroll, .list")].forEach((area, k) => {
    [area.scrollLeft, area.scrollTop] = was.areas[k] ?? [0, 0];
  });
  of.contentWindow.scrollTo(...was.scroll);
}

function settle(of) {
  const inside = of.contentWindow, root = of.contentDocument.documentElement;
  for (const kind of ["keydown", "pointerdown", "wheel", "scroll"]) {
    inside.addEventListener(kind, () => { touched = Date.now(); }, { passive: true, capture: true });
  }
  const sameTheme = () => { document.documentElement.style.colorScheme = root.style.colorScheme; };
  root.addEventListener("themechange", sameTheme);
  sameTheme();
}

function load(version) {
  loading = true;
  const next = document.createElement("iframe"), was = frame ? place(frame) : null;
  next.title = "report";
  next.style.visibility = "hidden";
  next.src = `${pageUrl}?${encodeURIComponent(version)}${was ? was.hash : location.hash}`;
  next.addEventListener("load", () => {
    settle(next);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (frame) goTo(next, place(frame)); // where the reader is by now
      next.style.visibility = "";
      frame?.remove();
      byId("wait").hidden = true;
      [frame, shownVersion, loading] = [next, version, false];
      touched = 0;
      show();
    }));
  }, { once: true });
  byId("pages").append(next);
}

function show() {
  if (!newest) return;
  const hash = frame?.contentWindow.location.hash ?? location.hash;
  if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname);
  const { line, error, scored, finished, version } = newest;
  byId("line").textContent = line;
  byId("error").textContent = error ?? "";
  const stale = version && version !== shownVersion;
  byId("shown").textContent = finished ? "" : scored ? `the page shows ${scored.toLocaleString("en")} answered` : "";
  refresh.hidden = !stale || follow.checked;
  if (stale && !loading && (follow.checked || !frame) && (!frame || Date.now() - touched > UNDISTURBED)) load(version);
}

async function look() {
  try {
    const answer = await fetch(statusUrl, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    newest = await answer.json();
    show();
  } catch (problem) {
    byId("error").textContent = `vrft-eval view doesn't answer (${problem.message})`;
  }
  if (newest?.finished && newest.version === shownVersion) return;
  setTimeout(look, document.hidden ? HIDDEN_EVERY : EVERY);
}

refresh.addEventListener("click", () => load(newest.version));
follow.addEventListener("change", show);
look();

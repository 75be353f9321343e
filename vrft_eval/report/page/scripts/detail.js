// Everything about one sample.
const detail = find(".detail");

function block(title, ...children) {
  return h("section", { class: "block" }, h("h4", {}, title), ...children);
}

function mean(values) {
  return values.length ? rounded(values.reduce((sum, value) => sum + value, 0) / values.length) : null;
}

// Why a part is what it is: the reward's own words, which end with the format, and for the confidence its two means.
function reasonOf(name, sample) {
  const [first, ...rest] = (sample.why ?? "").split("; format ");
  if (name === "format") return rest.length ? rest.join("; format ") : "";
  if (name !== "confidence") return first;
  const of = (right) => mean((sample.scores ?? []).filter((_, k) => Boolean(sample.pairs[k][0]) === right));
  const told = [["right", of(true)], ["wrong", of(false)]].filter(([, value]) => value !== null);
  return told.map(([what, value]) => `mean ${value} of ${what} boxes`).join(", ") || first;
}

function paid(sample) {
  const top = page.bounds[1];
  const bars = page.parts.map((name, k) => {
    const value = sample.parts[k], share = Math.max(0, value) / Math.max(1, value);
    return h("div", { class: "row" }, h("span", {}, name),
      h("span", { class: "bar" }, h("i", { style: { width: `${100 * share}%` } })), h("span", { class: "n" }, rounded(value)),
      h("span", { class: "why" }, shown(reasonOf(name, sample))));
  });
  return block(`Reward ${rounded(sample.reward)} of ${Number(top)}`, ...bars);
}

function nameOf(k, truth) {
  return truth.length > 1 ? `T${k + 1}` : "the true box";
}

function pairRows(sample, truth, predicted) {
  const found = new Set();
  const rows = predicted.map((_, k) => {
    const [matched, of, iou] = sample.pairs[k], score = sample.scores?.[k];
    if (matched) found.add(of);
    const name = nameOf(of, truth);
    const what = matched ? `matched to ${name}` : !truth.length ? "nothing is there" : of < 0 ? "overlaps nothing"
      : iou >= 0.5 ? `${name} again` : `too far from ${name}`;
    return h("tr", { "data-box": `p${k}`, ...(of >= 0 ? { "data-other": `t${of}` } : {}) },
      h("td", {}, `${k + 1}`), score === undefined ? null : h("td", { class: "n" }, rounded(score)),
      h("td", { class: matched ? "right" : "wrong" }, what),
      h("td", { class: "n" }, truth.length ? rounded(iou) : "n/a"));
  });
  const told = page.kind === "grounding" && predicted.length > 0;
  const missed = truth.flatMap((_, k) => found.has(k) || told ? [] : [h("tr", { "data-box": `t${k}` }, h("td", {}, nameOf(k, truth)),
    page.kind === "detection" ? h("td", {}) : null, h("td", { class: "wrong" }, "missed"), h("td", {}))]);
  return [...rows, ...missed];
}

function pairs(sample) {
  const truth = boxesOf(sample.truth), predicted = boxesOf(sample.boxes);
  if (!truth.length && !predicted.length) return block("Boxes", h("p", { class: "why" }, "None is there, and none was predicted."));
  const head = ["box", ...(page.kind === "detection" ? ["confidence"] : []), "what it is", "IoU"];
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head.map((name) =>
    h("th", { scope: "col", ...(name === "confidence" || name === "IoU" ? { class: "n" } : {}) }, name)))),
    h("tbody", {}, ...pairRows(sample, truth, predicted)));
  const light = (on) => ({ target }) => {
    for (const lit of detail.querySelectorAll(".lit")) lit.classList.remove("lit");
    const row = target.closest?.("tr[data-box]");
    for (const key of on && row ? [row.dataset.box, row.dataset.other] : []) detail.querySelector(`.frame g[data-box="${key}"]`)?.classList.add("lit");
  };
  fill(table, { onmouseover: light(true), onmouseleave: light(false) }, []);
  const more = sample.more ? h("p", { class: "why" }, `${counted(sample.more)} more predicted boxes are not drawn.`) : null;
  return block(`Boxes: ${counted(predicted.length + (sample.more ?? 0))} predicted, ${counted(truth.length)} true`,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "boxes" }, table), more);
}

function said(title, pieces, mono) {
  if (!pieces.length) return null;
  const last = pieces.length - 1;
  return block(title, h("div", { class: `said${mono ? " mono" : ""}`, tabindex: "0" }, pieces.flatMap(([, text, missing], k) =>
    shown(k === last ? text.trim() : text, missing))));
}

function words(name) {
  return name.replaceAll("_", " ");
}

function parsed(sample) {
  const facts = page.kind === "classification"
    ? [["truth", shown(sample.truth)], ["read as", sample.label ? shown(sample.label) : ["no class of the set"]]]
    : [["read as", [words(sample.status)]]];
  facts.push(["format", [sample.text ? (sample.format ?? []).map(words).join(", ") || "right" : "nothing was answered"]]);
  if (sample.tokens !== undefined) facts.push(["length", [`${counted(sample.tokens)} tokens`]]);
  for (const [kind, text] of sample.dropped ?? []) facts.push([words(kind), [h("code", {}, shown(text))]]);
  return block("What the parser did", h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function badges(sample) {
  const labels = Object.fromEntries(page.filters.map(([key, label, meaning]) => [key, [label, meaning]]));
  return sample.keys.map((key) => OUTCOMES.includes(key)
    ? h("span", { class: `mark ${key}`, title: page.outcomes[key] }, key)
    : h("span", { class: "mark flag", title: labels[key][1] }, labels[key][0]));
}

function showDetail(k, picture) {
  const sample = samples[k];
  const raw = h("details", {}, h("summary", {}, "raw completion and prompt"),
    h("pre", { tabindex: "0" }, (sample.text ?? []).flatMap(([, text, missing]) => shown(text, missing))), h("pre", { tabindex: "0" }, shown(promptOf(sample))));
  detail.replaceChildren(
    h("div", { class: "top" }, ...badges(sample), h("h3", {}, shown(titleOf(sample))),
      h("a", { class: "id", href: `#sample=${encoded(sample.id)}`, title: "link to this sample" }, shown(sample.id))),
    picture,
    h("div", { class: "columns" }, h("div", {}, hasBoxes ? pairs(sample) : parsed(sample)),
      h("div", {}, ...(hasBoxes ? [paid(sample), parsed(sample)] : [paid(sample)]))),
    ...[sample.error ? block("Error", h("p", { class: "fail" }, shown(sample.error))) : null,
      said("Thinking", piecesOf(sample, 1)), said("Answer", piecesOf(sample, 2), true), raw].filter(Boolean));
}

function showNothing(message) {
  detail.replaceChildren(h("p", { class: "empty-note" }, message));
}

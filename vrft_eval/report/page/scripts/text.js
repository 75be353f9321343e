// Text of models and data: shown as it is, with hidden characters (bidi, zero width, controls) as named marks.
const MOST_MARKS = 100;
let hidden = null;

function hiddenRuns(text) {
  hidden ??= new RegExp(`([${page.hidden}])\\1*`, "gu");
  return text.matchAll(hidden);
}

function codeOf(character) {
  return character.codePointAt(0).toString(16).padStart(4, "0");
}

function marked(run) {
  const code = codeOf(run), name = page.names[code] ?? "control or tag character", count = [...run].length;
  return h("span", { class: "hid", title: name }, `U+${code.toUpperCase()}${count > 1 ? ` ×${count}` : ""}`);
}

// Nodes for a text of which `missing` more characters are not in this page.
function shown(text, missing = 0) {
  const nodes = [];
  let end = 0, marks = 0;
  for (const found of hiddenRuns(text)) {
    if (marks++ === MOST_MARKS) {
      missing += text.length - end;
      text = text.slice(0, end);
      break;
    }
    nodes.push(text.slice(end, found.index), marked(found[0]));
    end = found.index + found[0].length;
  }
  nodes.push(text.slice(end));
  if (missing) nodes.push(h("span", { class: "more" }, `… ${counted(missing)} more characters`));
  return nodes;
}

// A text as it can stand in an address: a half of a pair of surrogates, which a file name may have, can't, and is a
// question mark, as in the links that Python writes (vrft_eval/compare/flips.py).
function addressable(text) {
  return text.replace(/\p{Surrogate}/gu, "?");
}

function encoded(text) {
  return encodeURIComponent(addressable(text));
}

// One line for places that hold text only: hidden characters are escaped.
function plain(text, most = 120) {
  const line = text.slice(0, most).replace(/\s+/g, " ");
  let made = "", end = 0;
  for (const found of hiddenRuns(line)) {
    made += line.slice(end, found.index) + `\\u{${codeOf(found[0])}}`;
    end = found.index + found[0].length;
  }
  return made + line.slice(end) + (text.length > most ? "…" : "");
}

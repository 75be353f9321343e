// Which samples are shown, in which order: from what is asked for to a list of places in `samples`.
const OUTCOMES = Object.keys(page.outcomes);
const KEYS = [...OUTCOMES, ...page.filters.map(([key]) => key)];
const ORDERS = {
  "low-reward": ["lowest reward first", (sample) => sample.reward, 1],
  "high-reward": ["highest reward first", (sample) => sample.reward, -1],
  "low-iou": ["lowest IoU first", (sample) => sample.iou, 1],
  "high-iou": ["highest IoU first", (sample) => sample.iou, -1],
  "confident": ["most confident first", (sample) => sample.confidence, -1],
  "unsure": ["least confident first", (sample) => sample.confidence, 1],
  "long": ["longest answer first", lengthOf, -1],
  "short": ["shortest answer first", lengthOf, 1],
};

function lengthOf(sample) {
  return (sample.text ?? []).reduce((sum, [, text, missing = 0]) => sum + text.length + missing, 0);
}

const bitOf = Object.fromEntries(KEYS.map((key, k) => [key, 1 << k]));
const bits = Int32Array.from(samples, (sample) => (sample.keys ?? []).reduce((all, key) => all | bitOf[key], 0));
const counts = Object.fromEntries(KEYS.map((key) => [key, bits.reduce((sum, of) => sum + ((of & bitOf[key]) !== 0), 0)]));
const texts = new Array(samples.length);

function searched(k) {
  const sample = samples[k], label = Array.isArray(sample.truth) ? "" : sample.truth ?? "";
  const pieces = (sample.text ?? []).map((piece) => piece[1]);
  return (texts[k] ??= [sample.id, titleOf(sample), label, sample.label ?? "", ...pieces].join("\n").toLowerCase());
}

// Outcomes exclude one another, so any of those asked for will do; of what is odd, all must be there.
function search({ show, category, sort, q }) {
  const outcomes = show.filter((key) => OUTCOMES.includes(key)).reduce((all, key) => all | bitOf[key], 0);
  const odd = show.filter((key) => !OUTCOMES.includes(key)).reduce((all, key) => all | bitOf[key], 0);
  const words = q.toLowerCase().trim(), place = page.categories.indexOf(category);
  const found = [];
  for (let k = 0; k < samples.length; k++) {
    if (outcomes && !(bits[k] & outcomes)) continue;
    if ((bits[k] & odd) !== odd) continue;
    if (category && samples[k].category !== place) continue;
    if (words && !searched(k).includes(words)) continue;
    found.push(k);
  }
  return Object.hasOwn(ORDERS, sort) ? sorted(found, sort) : found;
}

const sortKeys = {};

// What has no value comes last either way.
function sorted(places, sort) {
  const [, valueOf, sign] = ORDERS[sort];
  const keys = (sortKeys[sort] ??= Float64Array.from(samples, (sample) => sign * (valueOf(sample) ?? sign * Infinity)));
  return places.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] - keys[b]));
}

// The first search shall be as quick as the next ones: texts are made ready while there is nothing else to do.
function readAhead(from = 0) {
  for (let k = from; k < samples.length; k++) {
    searched(k);
    if (k % 500 === 499) return void setTimeout(() => readAhead(k + 1));
  }
}

// The samples of this page as Python wrote them (vrft_eval/report/samples.py and rows.py), and their images.
const page = JSON.parse(find("#sample-data").textContent);
const samples = page.samples;
// By what stands for an id in links too, but what is an id itself comes first.
const byId = new Map([addressable, String].flatMap((of) => samples.map((sample, k) => [of(sample.id), k])));
const hasBoxes = page.kind !== "classification";
const hasMasks = samples.some((sample) => sample.masks);

let pictures = null;

// Read when the first one is wanted: with --embed they are many megabytes.
function pictureOf(sample) {
  pictures ??= JSON.parse(find("#picture-data").textContent);
  const found = pictures[sample.image];
  return Array.isArray(found) ? { src: found[0], turned: found[1] } : found ? { src: found, turned: 1 } : null;
}

function titleOf(sample) {
  return page.kind === "classification" ? sample.truth : page.categories[sample.category] ?? sample.id;
}

function promptOf(sample) {
  return page.around[0] + page.prompts[sample.prompt] + page.around[1];
}

function piecesOf(sample, kind) {
  return (sample.text ?? []).filter((piece) => piece[0] === kind);
}

function boxesOf(flat) {
  return Array.from({ length: (flat?.length ?? 0) / 4 }, (_, k) => flat.slice(4 * k, 4 * k + 4));
}

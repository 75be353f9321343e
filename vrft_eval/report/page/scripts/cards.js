(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const list = document.getElementById("samples");
  if (!list) return;
  const samples = all(".sample", list), original = [...samples];
  const category = document.getElementById("category"), order = document.getElementById("order");
  const search = document.getElementById("search"), found = document.getElementById("found");
  let outcome = "all";
  const texts = new Map(samples.map((sample) => [sample, sample.textContent.toLowerCase()]));

  const filter = () => {
    const words = search.value.toLowerCase().trim();
    let count = 0;
    for (const sample of samples) {
      const fits = (outcome === "all" || sample.dataset.outcome === outcome ||
          (outcome === "broken" && sample.dataset.broken === "1")) &&
        (category.value === "" || sample.dataset.category === category.value) &&
        (words === "" || texts.get(sample).includes(words));
      sample.hidden = !fits;
      count += fits ? 1 : 0;
    }
    found.textContent = count === samples.length ? "" : `${count} of ${samples.length}`;
  };
  for (const chip of all(".chips button")) {
    chip.addEventListener("click", () => {
      outcome = chip.dataset.outcome;
      for (const other of all(".chips button")) other.setAttribute("aria-pressed", String(other === chip));
      filter();
    });
  }
  category.addEventListener("change", filter);
  search.addEventListener("input", filter);
  order.addEventListener("change", () => {
    const sign = { low: 1, high: -1 }[order.value] ?? 0;
    const reward = (sample) => Number(sample.dataset.reward);
    list.append(...(sign ? [...original].sort((a, b) => sign * (reward(a) - reward(b))) : original));
  });
  for (const box of all(".tools input[type=checkbox]")) {
    box.addEventListener("change", () => list.classList.toggle(`no-${box.value}`, !box.checked));
  }
})();

// The changed samples of each pair of runs: filter, order, search, and which boxes are drawn.
for (const area of document.querySelectorAll(".flips")) {
  const one = (selector) => area.querySelector(selector);
  const list = one(".list"), cards = [...list.children];
  const change = one("select.change"), category = one("select.category"), order = one("select.order");
  const search = one("input[type=search]"), found = one(".found"), chips = [...area.querySelectorAll(".chip")];
  const texts = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
  let way = "";

  const filter = () => {
    const words = search.value.toLowerCase().trim();
    let count = 0;
    for (const card of cards) {
      const { dataset } = card;
      const fits = (!way || dataset.way === way) && (!change.value || dataset.change === change.value) &&
        (!category.value || dataset.category === category.value) && (!words || texts.get(card).includes(words));
      card.hidden = !fits;
      count += fits;
    }
    found.textContent = count === cards.length ? "" : `${count} of ${cards.length}`;
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      way = chip.dataset.way;
      for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
      filter();
    });
  }
  change.addEventListener("change", filter);
  category.addEventListener("change", filter);
  search.addEventListener("input", filter);
  order.addEventListener("change", () => {
    const sign = Number(order.value);
    list.append(...(sign ? [...cards].sort((a, b) => sign * (a.dataset.gain - b.dataset.gain)) : cards));
  });
  for (const box of area.querySelectorAll(".tools input[type=checkbox]")) {
    box.addEventListener("change", () => list.classList.toggle(`no-${box.value}`, !box.checked));
  }
}

// What is looked at, kept in the address: a link shows the same again, and the back button goes back.
//   #sample=ID&show=wrong,cut_off&category=dog&sort=low-reward&q=text
const NOTHING = { sample: "", show: [], category: "", sort: "", q: "" };

// null: the address is no state of the samples, but perhaps a place on the page.
function readAddress() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return null;
  const read = { ...NOTHING };
  for (const part of text.split("&")) {
    const cut = part.indexOf("="), key = part.slice(0, cut);
    let value = part.slice(cut + 1);
    try {
      value = decodeURIComponent(value);
    } catch {
      // a stray % in a hand-written link: taken as it stands
    }
    if (key === "show") read.show = value.split(",").filter((one) => KEYS.includes(one));
    else if (Object.hasOwn(NOTHING, key)) read[key] = value;
  }
  return read;
}

function addressOf(of) {
  const parts = Object.entries({ ...of, show: of.show.join(",") }).filter(([, value]) => value);
  return `#${parts.map(([key, value]) => `${key}=${encoded(value)}`).join("&")}`;
}

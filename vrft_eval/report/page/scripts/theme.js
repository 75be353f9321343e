// Light and dark: the system decides until the button is used; what was chosen is remembered where the browser can.
const root = document.documentElement;
const themeButton = document.querySelector("button.theme");
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function remembered(value) {
  try {
    if (value !== undefined) localStorage.setItem("vrft-theme", value);
    return localStorage.getItem("vrft-theme");
  } catch {
    return null; // a page from a file may not be allowed to keep anything
  }
}

function isDark() {
  return root.style.colorScheme ? root.style.colorScheme === "dark" : darkSystem.matches;
}

function showTheme() {
  if (themeButton) themeButton.textContent = isDark() ? "light theme" : "dark theme";
  root.dispatchEvent(new Event("themechange"));
}

if (themeButton) {
  if (["light", "dark"].includes(remembered())) root.style.colorScheme = remembered();
  themeButton.hidden = false;
  themeButton.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    remembered(root.style.colorScheme);
    showTheme();
  });
  darkSystem.addEventListener("change", showTheme);
  showTheme();
}

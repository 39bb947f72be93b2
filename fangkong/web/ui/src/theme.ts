// Runs in <head> before the first paint: a choice kept in the cookie wins, else the system decides.
{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = root.dataset["themeChoice"];
    root.dataset["bsTheme"] = chosen ?? (dark.matches ? "dark" : "light");
    root.dispatchEvent(new CustomEvent("fk:theme"));
  };
  dark.addEventListener("change", apply);
  root.addEventListener("fk:theme-chosen", apply);
  apply();
}

import { announce, hit } from "./dom";

// The search over everything: a combobox in a dialog. The server draws what is found; here the arrow
// keys move through it while the focus stays in the text.

export function startPalette(): void {
  const dialog = document.getElementById("fk-palette") as HTMLDialogElement | null;
  const input = document.getElementById("fk-palette-text") as HTMLInputElement | null;
  const list = document.getElementById("fk-palette-found");
  if (!dialog || !input || !list) return;

  const options = () => [...list.querySelectorAll<HTMLAnchorElement>("[role='option']")];
  const current = () => list.querySelector<HTMLAnchorElement>("[aria-selected='true']");

  const choose = (option: HTMLAnchorElement | undefined) => {
    current()?.setAttribute("aria-selected", "false");
    input.setAttribute("aria-expanded", String(options().length > 0));
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  const open = () => {
    if (dialog.open || document.querySelector("dialog[open]")) return;
    dialog.showModal();
    input.select();
  };

  document.addEventListener("click", (event) => {
    if (!hit(event, "[data-palette]")) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open();
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // an input method is choosing its own words
    const all = options();
    const at = all.findIndex((option) => option === current());
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[at <= 0 ? all.length - 1 : at - 1]);
    else if (event.key === "Enter" && at >= 0) location.assign(all[at]?.href ?? "");
    else return;
    event.preventDefault();
  });

  dialog.addEventListener("htmx:after:swap", () => {
    const all = options();
    choose(all[0]);
    const said = all.length ? dialog.dataset["textFound"] : dialog.dataset["textNone"];
    if (input.value.trim()) announce((said ?? "").replace("{n}", String(all.length)));
  });

  // What was typed may be a number of a person: it does not stay on a shared screen.
  dialog.addEventListener("close", () => {
    input.value = "";
    list.replaceChildren();
    choose(undefined);
  });
}

import { hit, keep } from "./dom";

export function startShell(): void {
  startTheme();
  startSideMenu();
  startSmallMenus();
  startFolds();
  startDialogs();
  startToasts();
  void countBadges();
  startKeys();
}

// Numbers of the menu: the page shows those counted last, this brings those of now ---------------

async function countBadges(): Promise<void> {
  const menu = document.querySelector<HTMLElement>("[data-badges]");
  if (!menu) return;
  let counted: Record<string, number>;
  try {
    const answer = await fetch(menu.dataset["badges"] ?? "", { headers: { "X-Fangkong-Live": "1" } });
    if (!answer.ok || answer.redirected) return; // signed out meanwhile: the next page says so
    counted = (await answer.json()) as Record<string, number>;
  } catch {
    return; // gone to another page, or offline: the old numbers stay
  }
  for (const badge of document.querySelectorAll<HTMLElement>("[data-badge]")) {
    const number = counted[badge.dataset["badge"] ?? ""] ?? 0;
    badge.textContent = String(number);
    badge.hidden = number === 0;
  }
}

// Theme: system → light → dark → system ----------------------------------------------------------

const NEXT: Record<string, string> = { "": "light", light: "dark", dark: "" };

function startTheme(): void {
  document.addEventListener("click", (event) => {
    if (!hit(event, "[data-theme-toggle]")) return;
    const root = document.documentElement;
    const chosen = NEXT[root.dataset["themeChoice"] ?? ""] ?? "";
    if (chosen) root.dataset["themeChoice"] = chosen;
    else delete root.dataset["themeChoice"];
    keep("fk_theme", chosen);
    root.dispatchEvent(new CustomEvent("fk:theme-chosen"));
  });
}

// Side menu --------------------------------------------------------------------------------------

function startSideMenu(): void {
  const side = document.getElementById("fk-sidebar");
  const scrim = document.querySelector<HTMLElement>(".fk-scrim");
  const opener = document.querySelector<HTMLElement>("[data-menu-open]");
  const page = document.querySelector<HTMLElement>(".fk-main-column");
  if (!side || !scrim || !opener || !page) return;

  const show = (open: boolean) => {
    side.classList.toggle("fk-open", open);
    scrim.hidden = !open;
    page.inert = open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) side.querySelector<HTMLElement>("[data-menu-close]")?.focus();
    else opener.focus();
  };
  opener.addEventListener("click", () => show(true));
  scrim.addEventListener("click", () => show(false));
  side.addEventListener("click", (event) => {
    if (hit(event, "[data-menu-close]")) show(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && side.classList.contains("fk-open")) show(false);
  });
  // A window made wide while the menu is open must not leave the page inert.
  matchMedia("(min-width: 992px)").addEventListener("change", () => {
    if (side.classList.contains("fk-open")) show(false);
  });

  side.addEventListener("toggle", () => rememberGroups(side), true);
  side.querySelector("[aria-current='page']")?.scrollIntoView({ block: "nearest" });
}

function rememberGroups(side: HTMLElement): void {
  const closed = [...side.querySelectorAll<HTMLElement>("details[data-group]:not([open])")];
  keep("fk_menu", closed.map((group) => group.dataset["group"]).join("-"));
}

// Small menus (<details class="fk-menu">) --------------------------------------------------------

function startSmallMenus(): void {
  const close = (except: Element | null) => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>(".fk-menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };
  // A link within the page leaves the menu behind; what it leads to would lie under it.
  const leaves = (event: Event) => hit(event, '.fk-menu a[href^="#"]');
  document.addEventListener("click", (event) => close(leaves(event) ? null : hit(event, ".fk-menu")));
  document.addEventListener("focusin", (event) => close(hit(event, ".fk-menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector<HTMLDetailsElement>(".fk-menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

// Filters of a list, folded on a phone ----------------------------------------------------------

/** The list whose filters are open keeps them so on its next pages. */
function startFolds(): void {
  const kept = (event: Event) => {
    const fold = hit<HTMLDetailsElement>(event, "details[data-fold]");
    if (fold) keep("fk_filters", fold.open ? (fold.dataset["fold"] ?? "") : "");
  };
  document.addEventListener("toggle", kept, true); // the event does not bubble
}

// Dialogs ----------------------------------------------------------------------------------------

function startDialogs(): void {
  document.addEventListener("click", (event) => {
    const opener = hit(event, "[data-dialog]");
    if (opener) openDialog(opener.dataset["dialog"] ?? "");
    if (hit(event, "[data-close]")) hit<HTMLDialogElement>(event, "dialog")?.close();
  });
}

function openDialog(id: string): void {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

// Toasts -----------------------------------------------------------------------------------------

const GOOD_NEWS_STAYS = 10_000;

function startToasts(): void {
  const toasts = document.querySelector<HTMLElement>(".fk-toasts");
  if (!toasts) return;
  toasts.addEventListener("click", (event) => {
    if (hit(event, "[data-toast-close]")) hit(event, ".fk-toast")?.remove();
  });
  // Good news leaves by itself, unless somebody is reading it; bad news waits to be closed.
  for (const toast of toasts.querySelectorAll<HTMLElement>("[data-level='success']")) {
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, GOOD_NEWS_STAYS);
      else toast.remove();
    };
    setTimeout(leave, GOOD_NEWS_STAYS);
  }
}

// Keys -------------------------------------------------------------------------------------------

const SECOND_KEY_WITHIN = 1500;
let went = Number.NEGATIVE_INFINITY;

function startKeys(): void {
  document.addEventListener("keydown", shortcut);
  document.addEventListener("change", (event) => {
    const choice = hit<HTMLInputElement>(event, "[data-keys]");
    if (choice) keep("fk_keys", choice.checked ? "" : "off");
  });
}

/** Single keys can be switched off (WCAG 2.1.4): somebody who speaks to the machine presses them all. */
function keysAreOn(): boolean {
  return document.querySelector<HTMLInputElement>("[data-keys]")?.checked ?? true;
}

function shortcut(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !keysAreOn()) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.timeStamp - went < SECOND_KEY_WITHIN && /^[a-z]$/.test(event.key)) {
    went = Number.NEGATIVE_INFINITY;
    document.querySelector<HTMLAnchorElement>(`.fk-nav [data-key="${event.key}"]`)?.click();
    return;
  }
  went = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
  if (event.key === "/") {
    const search = document.querySelector<HTMLInputElement>("main [type='search']");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "?") {
    openDialog("fk-shortcuts");
  }
}

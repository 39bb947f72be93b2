import { hit } from "./dom";

export function startForms(): void {
  // Capture, so that a refusal here comes before htmx sees the event.
  document.addEventListener("submit", confirmFirst, true);
  document.addEventListener("submit", guard, true);
  document.addEventListener("click", confirmLink, true);
  document.addEventListener("change", changed);
  document.addEventListener("input", searched);
  document.addEventListener("htmx:finally:request", (event) => free(event.target));
  window.addEventListener("pageshow", (event) => {
    // Back from the next page: the browser kept this one as it was, with its buttons shut.
    if (event.persisted) for (const form of document.forms) free(form);
  });
  startFileDrops();
  focusFirstError(document);
}

/** Moves to the list of what the server refused, or without one to the first refused field. */
export function focusFirstError(root: ParentNode): void {
  const list = root.querySelector<HTMLElement>("[data-first-focus]");
  (list ?? root.querySelector<HTMLElement>("form [aria-invalid='true'], form .is-invalid"))?.focus();
}

// Consequences are confirmed in words ------------------------------------------------------------

function confirmFirst(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  const button = event.submitter;
  const consequence = button?.dataset["confirm"] ?? form.dataset["confirm"];
  if (!consequence) return;
  if (form.dataset["confirmed"]) {
    delete form.dataset["confirmed"];
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(consequence, button, () => {
    form.dataset["confirmed"] = "yes";
    sayConfirmed(form);
    form.requestSubmit(button);
    // Refused by the browser's own checks: the next try asks again.
    delete form.dataset["confirmed"];
  });
}

/** Tells the server that the consequence was read; without scripts it shows a page of its own. */
function sayConfirmed(form: HTMLFormElement): void {
  if (form.querySelector("[name='_confirmed']")) return;
  const said = document.createElement("input");
  said.type = "hidden";
  said.name = "_confirmed";
  said.value = "yes";
  form.append(said);
}

function confirmLink(event: MouseEvent): void {
  const link = hit<HTMLAnchorElement>(event, "a[data-confirm]");
  if (!link) return;
  event.preventDefault();
  ask(link.dataset["confirm"] ?? "", link, () => location.assign(link.href));
}

function ask(consequence: string, asker: HTMLElement | null, then: () => void): void {
  const dialog = document.getElementById("fk-confirm") as HTMLDialogElement | null;
  const words = document.getElementById("fk-confirm-text");
  const yes = dialog?.querySelector<HTMLButtonElement>("[value='yes']");
  if (!dialog || !words || !yes) return;
  const label = asker?.dataset["confirmLabel"] ?? yes.dataset["label"] ?? "";
  words.textContent = consequence;
  yes.textContent = label;
  yes.classList.toggle("btn-danger", Boolean(asker?.matches(".btn-danger")));
  dialog.returnValue = "no";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && then(), { once: true });
  dialog.showModal();
}

// One press, one request -------------------------------------------------------------------------

function guard(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || form.method !== "post" || "again" in form.dataset) return;
  if (form.dataset["busy"]) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset["busy"] = "yes";
  form.setAttribute("aria-busy", "true");
  // aria-disabled, not disabled: the pressed button keeps the focus and its name and value are sent.
  for (const button of submitButtons(form)) button.setAttribute("aria-disabled", "true");
}

function free(target: EventTarget | null): void {
  if (!(target instanceof HTMLFormElement)) return;
  delete target.dataset["busy"];
  target.removeAttribute("aria-busy");
  for (const button of submitButtons(target)) button.removeAttribute("aria-disabled");
}

function submitButtons(form: HTMLFormElement): HTMLElement[] {
  return [...form.elements].filter(
    (field): field is HTMLButtonElement => field instanceof HTMLButtonElement && field.type === "submit",
  );
}

// Filters answer at once -------------------------------------------------------------------------

const TYPING_PAUSE = 500;
let typing: ReturnType<typeof setTimeout> | undefined;

function changed(event: Event): void {
  const field = event.target;
  if (field instanceof HTMLInputElement && field.type === "file") showFiles(field);
  if (field instanceof HTMLInputElement && field.type === "search") return;
  hit<HTMLFormElement>(event, "form[data-autosubmit]")?.requestSubmit();
}

function searched(event: Event): void {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.type !== "search") return;
  const form = field.closest<HTMLFormElement>("form[data-autosubmit][hx-get]");
  clearTimeout(typing);
  // Only where the list alone is replaced: a whole new page would take the words being typed.
  if (form) typing = setTimeout(() => form.requestSubmit(), TYPING_PAUSE);
}

// Files ------------------------------------------------------------------------------------------

function showFiles(input: HTMLInputElement): void {
  const shown = input.closest(".fk-file")?.querySelector<HTMLElement>("[data-empty]");
  if (!shown) return;
  const names = [...(input.files ?? [])].map((file) => `${file.name} (${size(file.size)})`);
  shown.textContent = names.join(", ") || (shown.dataset["empty"] ?? "");
}

function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function startFileDrops(): void {
  document.addEventListener("dragover", (event) => {
    const box = hit(event, ".fk-file");
    if (!box) return;
    event.preventDefault();
    box.classList.add("fk-over");
  });
  document.addEventListener("dragleave", (event) => hit(event, ".fk-file")?.classList.remove("fk-over"));
  document.addEventListener("drop", (event) => {
    const box = hit(event, ".fk-file");
    const input = box?.querySelector<HTMLInputElement>("input[type='file']");
    if (!box || !input || !event.dataTransfer) return;
    event.preventDefault();
    box.classList.remove("fk-over");
    input.files = event.dataTransfer.files;
    showFiles(input);
  });
}

import { hit } from "./dom";

/** Buttons that fill in the present moment, by the clock of the house and not of the browser. */
export function startMoments(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLElement>("[data-now-for]")) button.hidden = false;
}

export function listenForNow(): void {
  document.addEventListener("click", (event) => {
    const button = hit<HTMLElement>(event, "[data-now-for]");
    const input = document.getElementById(button?.dataset["nowFor"] ?? "");
    if (!(input instanceof HTMLInputElement)) return;
    input.value = moment(input.dataset["now"] ?? "", performance.now());
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });
}

/** A moment as the field takes it, so many milliseconds after the one that the server wrote. */
function moment(served: string, later: number): string {
  const start = Date.parse(`${served}Z`); // read and written alike, so no zone matters
  return Number.isNaN(start) ? "" : new Date(start + later).toISOString().slice(0, 16);
}

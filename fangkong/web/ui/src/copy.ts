import { announce, hit } from "./dom";

/** Buttons that copy a text of the page, where the browser lets a page do so (https, localhost). */
export function startCopying(): void {
  if (!("clipboard" in navigator)) return;
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const button = hit<HTMLElement>(event, "[data-copy]");
    if (button) void copy(button);
  });
}

async function copy(button: HTMLElement): Promise<void> {
  const text = document.getElementById(button.dataset["copy"] ?? "") as HTMLTextAreaElement | null;
  if (!text) return;
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    return; // refused: the text stays selected, to be copied by hand
  }
  const done = button.dataset["done"] ?? "";
  button.textContent = done;
  announce(done);
}

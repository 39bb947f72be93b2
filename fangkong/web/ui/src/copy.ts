import { hit } from "./dom";

/** Buttons that copy a text of the page, and say beside it what became of that. */
export function startCopying(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const button = hit<HTMLElement>(event, "[data-copy]");
    if (button) void copy(button);
  });
}

async function copy(button: HTMLElement): Promise<void> {
  const name = button.dataset["copy"] ?? "";
  const text = document.getElementById(name) as HTMLTextAreaElement | null;
  const said = document.getElementById(`${name}-said`);
  if (!text || !said) return;
  said.textContent = "";
  try {
    await navigator.clipboard.writeText(text.value);
    said.textContent = button.dataset["done"] ?? "";
  } catch {
    // Refused, or there is none (http): the text is selected, to be copied by hand.
    text.focus();
    text.select();
    said.textContent = button.dataset["refused"] ?? "";
  }
}

import { text } from "../dom";
import { drawChart } from "./chart";
import { drawMap } from "./map";
import type { Drawing } from "./drawing";

const drawings = new Map<HTMLElement, Drawing>();
const known = new WeakSet<HTMLElement>();
const waiting = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    waiting.unobserve(target);
    void draw(target as HTMLElement);
  }
});

document.documentElement.addEventListener("fk:theme", () => {
  // The next frame: the style sheet must have taken the new theme before its colours are read.
  requestAnimationFrame(() => drawings.forEach((drawing) => drawing.restyle()));
});
window.addEventListener("beforeprint", () => drawings.forEach((drawing) => drawing.resize()));

/** Draws the figures under a root as they come into view, and forgets those that left the page. */
export function start(root: ParentNode): void {
  for (const [figure, drawing] of drawings) {
    if (figure.isConnected) continue;
    drawing.dispose();
    drawings.delete(figure);
  }
  for (const figure of root.querySelectorAll<HTMLElement>("[data-chart], [data-map]")) {
    if (known.has(figure)) continue;
    known.add(figure);
    figure.addEventListener("fk:refresh", () => void draw(figure));
    waiting.observe(figure);
  }
}

async function draw(figure: HTMLElement): Promise<void> {
  try {
    const drawing = drawings.get(figure);
    if (drawing) {
      await drawing.refresh();
    } else {
      drawings.set(figure, await ("map" in figure.dataset ? drawMap(figure) : drawChart(figure)));
    }
    figure.dataset["drawn"] = "yes";
    figure.querySelector(":scope > .fk-figure-failed")?.remove();
  } catch (problem) {
    console.error(problem);
    figure.dataset["drawn"] = "failed";
    if (figure.querySelector(":scope > .fk-figure-failed")) return;
    const note = document.createElement("p");
    note.className = "fk-figure-failed";
    note.textContent = text("FigureFailed");
    figure.prepend(note);
  }
}

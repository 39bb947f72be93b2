import htmx from "htmx.org";
import { announce, clock, text } from "./dom";

// A live region asks its server every few seconds for a new drawing of itself. The server answers 204
// or 304 when nothing changed. A drawing is merged into the page, so that focus, open details, scroll
// positions and charts stay.

interface Context {
  text?: string;
  response?: { status: number; headers: Headers; raw: Response };
  request: { headers: Record<string, string> };
}

const FIRST = 10;
const regions = new WeakSet<HTMLElement>();

/** Starts the live regions under a root that are not running yet. */
export function startLive(root: ParentNode): void {
  for (const region of root.querySelectorAll<HTMLElement>("[data-live]")) {
    if (!regions.has(region)) follow(region);
  }
}

function follow(region: HTMLElement): void {
  regions.add(region);
  const pause = Math.max(2, Number(region.dataset["liveEvery"]) || FIRST) * 1000;
  let tag: string | null = null;
  let drawn = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  };

  const ask = async () => {
    if (!region.isConnected) return;
    if (document.hidden) return; // asked again when the tab is shown
    await htmx.ajax("GET", region.dataset["live"] ?? "", {
      source: region,
      target: region,
      swap: "innerMorph",
      headers: { "X-Fangkong-Live": "1", ...(tag ? { "If-None-Match": tag } : {}) },
    });
    wait();
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && region.isConnected) void ask();
  });

  region.addEventListener("htmx:before:response", (event) => {
    if (event.target !== region) return;
    const { response } = contextOf(event);
    if (!response) return;
    if (response.raw.redirected) {
      // Signed out meanwhile: the page itself knows the way to sign in and back.
      event.preventDefault();
      location.reload();
      return;
    }
    if (response.status >= 400) {
      event.preventDefault();
      lost(region);
      return;
    }
    back(region);
    tag = response.headers.get("ETag") ?? tag;
  });

  region.addEventListener("htmx:before:swap", (event) => {
    if (event.target !== region) return;
    const { text: markup = "", response } = contextOf(event);
    if (response?.status === 204 || response?.status === 304 || markup === drawn) {
      event.preventDefault();
      return;
    }
    drawn = markup;
  });

  region.addEventListener("htmx:after:swap", (event) => {
    if (event.target !== region) return;
    tell(region);
    for (const figure of region.querySelectorAll("[data-chart], [data-map]")) {
      figure.dispatchEvent(new CustomEvent("fk:refresh"));
    }
  });

  region.addEventListener("htmx:error", (event) => {
    if (event.target === region) lost(region);
  });

  wait();
}

function contextOf(event: Event): Context {
  return (event as CustomEvent<{ ctx: Context }>).detail.ctx;
}

/** Says what changed: the region's own summary if it has one, else that it is new. */
function tell(region: HTMLElement): void {
  const summary = region.querySelector("[data-live-summary]")?.textContent?.trim();
  const sentence = summary ?? region.dataset["liveChanged"] ?? text("Updated");
  announce(sentence.replace("{time}", clock(new Date())));
}

function lost(region: HTMLElement): void {
  if (region.dataset["liveState"] === "lost") return;
  region.dataset["liveState"] = "lost";
  const sentence = region.dataset["liveLost"] ?? text("Lost");
  const note = document.createElement("p");
  note.className = "fk-note fk-live-lost";
  note.dataset["tone"] = "bad";
  note.setAttribute("role", "alert");
  note.textContent = sentence.replace("{time}", clock(new Date()));
  region.before(note);
}

function back(region: HTMLElement): void {
  delete region.dataset["liveState"];
  const note = region.previousElementSibling;
  if (note?.classList.contains("fk-live-lost")) note.remove();
}

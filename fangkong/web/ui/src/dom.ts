/** A translated sentence that the server wrote on <body data-text-…>. */
export function text(name: string): string {
  return document.body.dataset[`text${name}`] ?? "";
}

/** The nearest ancestor of an event's target that matches, if there is one. */
export function hit<E extends HTMLElement>(event: Event, selector: string): E | null {
  return event.target instanceof Element ? event.target.closest<E>(selector) : null;
}

/** Hours and minutes of a moment, as the clock on the wall shows them. */
export function clock(moment: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** Says a sentence to screen readers without moving anything on the page. */
export function announce(sentence: string): void {
  const announcer = document.getElementById("fk-announcer");
  if (announcer) announcer.textContent = sentence;
}

const YEAR = 365 * 24 * 3600;

/** Keeps a choice that the server reads when it draws the next page. */
export function keep(cookie: string, value: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = value === "" ? 0 : YEAR;
  document.cookie = `${cookie}=${value}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
}

// The end of a session, told before it comes: a dialog two minutes ahead, and one afterwards that keeps
// what was typed. Typing and clicking count as work, a page that asks for news by itself does not.

import { hit } from "./dom";

interface Left {
  left: number; // seconds
  lifetime: boolean; // the longest duration is near: nothing prolongs it
  token: string;
}

const WARN = 120; // seconds before the end
const TELL = 240; // seconds: how often work on the page is told to the server

export function startSession(): void {
  const address = document.body.dataset["session"];
  if (!address) return;
  let end = Date.now() + Number(document.body.dataset["sessionLeft"]) * 1000;
  let worked = 0;
  let told = Date.now();
  let token = document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";

  let asked = 0;
  let answered = 0;
  const ask = async (stay: boolean): Promise<Left | null> => {
    const number = ++asked;
    try {
      const answer = await fetch(address, {
        method: stay ? "POST" : "GET",
        headers: stay ? { "X-CSRFToken": token } : { "X-Fangkong-Live": "1" },
      });
      if (!answer.ok) return null;
      const found = (await answer.json()) as Left;
      if (number < answered) return null; // of before: somebody signed in again meanwhile
      answered = number;
      end = Date.now() + found.left * 1000;
      if (found.token) token = found.token;
      return found;
    } catch {
      return null; // offline: asked again with the next beat
    }
  };

  const stay = async () => {
    told = Date.now();
    worked = 0;
    return ask(true);
  };

  const beat = async () => {
    const now = Date.now();
    if (worked > told && now - told > TELL * 1000) await stay();
    if (end - Date.now() > WARN * 1000) return close("fk-idle");
    if (worked && now - worked < 60_000) await stay();
    const found = await ask(false); // another tab may have worked on
    if (!found) return;
    if (found.left <= 0) {
      close("fk-idle");
      show("fk-ended");
    } else if (found.left <= WARN) {
      show(found.lifetime ? "fk-lifetime" : "fk-idle");
    } else close("fk-idle");
  };

  for (const kind of ["keydown", "pointerdown", "input"]) {
    document.addEventListener(kind, (event) => {
      if (!hit(event, "#fk-idle, #fk-ended")) worked = Date.now();
    });
  }
  document.addEventListener("click", (event) => {
    if (hit(event, "[data-session-stay]")) {
      void stay().then((found) => {
        if (found && found.left > 0) close("fk-idle");
      });
    }
    if (hit(event, "[data-session-again]")) {
      void ask(false).then((found) => {
        if (!found || found.left <= 0) return;
        // A new session has a new token: the forms of this page must carry it.
        for (const field of document.querySelectorAll<HTMLInputElement>("[name=csrfmiddlewaretoken]")) {
          field.value = found.token;
        }
        close("fk-ended");
      });
    }
  });
  setInterval(() => void beat(), 15_000);
}

function dialog(id: string): HTMLDialogElement | null {
  const found = document.getElementById(id);
  return found instanceof HTMLDialogElement ? found : null;
}

function show(id: string): void {
  const found = dialog(id);
  if (found && !found.open) found.showModal();
}

function close(id: string): void {
  dialog(id)?.close();
}

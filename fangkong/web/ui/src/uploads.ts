import { announce, hit } from "./dom";

// Files and photos are sent while the form is still being filled (core/files/_widget.html). Each gets
// a line with its picture and how far it is; what arrived travels in the form as a hidden id.

export function startUploads(): void {
  document.addEventListener("change", (event) => {
    const input = event.target;
    const box = hit(event, ".fk-upload");
    if (!box || !(input instanceof HTMLInputElement) || input.type !== "file") return;
    take(box, input.files);
    input.value = ""; // what is sent now must not travel with the form again
  });
  document.addEventListener("click", (event) => {
    const line = hit(event, "[data-remove]")?.closest("li");
    if (line?.closest(".fk-upload")) remove(line);
  });
  document.addEventListener("submit", waitForFiles, true);
  document.addEventListener("dragover", (event) => over(event, true));
  document.addEventListener("dragleave", (event) => over(event, false));
  document.addEventListener("drop", (event) => {
    const box = over(event, false);
    if (box && event.dataTransfer) take(box, event.dataTransfer.files);
  });
}

const running = new WeakMap<Element, XMLHttpRequest>();

function over(event: DragEvent, on: boolean): HTMLElement | null {
  const box = hit(event, ".fk-upload");
  if (!box) return null;
  event.preventDefault();
  box.classList.toggle("fk-over", on);
  return box;
}

function take(box: HTMLElement, files: FileList | null): void {
  const list = box.querySelector(".fk-upload-list");
  if (!list) return;
  for (const file of files ?? []) {
    const line = drawn(box, file);
    list.append(line);
    if (list.children.length > Number(box.dataset["most"])) fail(line, box.dataset["textMost"]);
    else if (file.size > Number(box.dataset["largest"])) fail(line, box.dataset["textBig"]);
    else send(box, line, file);
  }
}

function drawn(box: HTMLElement, file: File): HTMLLIElement {
  const line = document.createElement("li");
  if (/^image\/(jpeg|png|webp)$/.test(file.type)) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
    picture.addEventListener("error", () => picture.remove(), { once: true }); // no photo after all
    line.append(picture);
  }
  const name = document.createElement("span");
  name.className = "fk-upload-name";
  name.textContent = file.name;
  const state = document.createElement("span");
  state.className = "fk-upload-state";
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-ghost-secondary";
  button.dataset["remove"] = "";
  button.textContent = box.dataset["textRemove"] ?? "×";
  button.setAttribute("aria-label", `${button.textContent} ${file.name}`);
  line.append(name, bar, state, button);
  return line;
}

function send(box: HTMLElement, line: HTMLLIElement, file: File): void {
  const request = new XMLHttpRequest();
  const bar = line.querySelector("progress");
  running.set(line, request);
  line.dataset["state"] = "going";
  request.open("POST", box.dataset["upload"] ?? "");
  prepare(request, box);
  request.upload.addEventListener("progress", (event) => {
    if (bar && event.lengthComputable) bar.value = (event.loaded / event.total) * 100;
  });
  request.addEventListener("load", () => {
    const answer = read(request.responseText);
    if (request.status !== 201 || !answer.id) return fail(line, answer.text ?? box.dataset["textFailed"]);
    const id = document.createElement("input");
    id.type = "hidden";
    id.name = box.dataset["name"] ?? "";
    id.value = answer.id;
    line.append(id);
    settle(line, "sent", box.dataset["textSent"]);
  });
  request.addEventListener("error", () => fail(line, box.dataset["textFailed"]));
  const body = new FormData();
  body.append("file", file);
  request.send(body);
}

function prepare(request: XMLHttpRequest, box: HTMLElement): void {
  const token = box.closest("form")?.querySelector<HTMLInputElement>("[name='csrfmiddlewaretoken']");
  request.setRequestHeader("X-CSRFToken", token?.value ?? "");
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  request.setRequestHeader("Idempotency-Key", [...bytes].map((one) => one.toString(16)).join("-"));
}

function read(text: string): { id?: string; text?: string } {
  try {
    return JSON.parse(text) as { id?: string; text?: string };
  } catch {
    return {}; // an error page of a proxy
  }
}

function fail(line: HTMLElement, why: string | undefined): void {
  settle(line, "failed", why);
}

function settle(line: HTMLElement, state: string, words: string | undefined): void {
  line.dataset["state"] = state;
  line.querySelector("progress")?.remove();
  const shown = line.querySelector(".fk-upload-state");
  if (shown) shown.textContent = words ?? "";
  running.delete(line);
}

function remove(line: HTMLElement): void {
  running.get(line)?.abort();
  const box = line.closest<HTMLElement>(".fk-upload");
  const id = line.querySelector<HTMLInputElement>("input[type='hidden']");
  if (box && id) {
    // The server forgets unused uploads after a day; this only tells it sooner.
    const request = new XMLHttpRequest();
    request.open("POST", (box.dataset["upload"] ?? "").replace(/upload\/[^/]*\/$/, `${id.value}/discard/`));
    prepare(request, box);
    request.send();
  }
  line.remove();
  box?.querySelector<HTMLInputElement>("input[type='file']")?.focus();
}

function waitForFiles(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  const going = form.querySelector(".fk-upload li[data-state='going']");
  if (!going) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const words = going.closest<HTMLElement>(".fk-upload")?.dataset["textGoing"] ?? "";
  announce(words);
  const state = going.querySelector(".fk-upload-state");
  if (state) state.textContent = words;
}

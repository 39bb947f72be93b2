/**
 * Fields that a camera or a hand scanner may fill with a barcode.
 *
 * `data-scan` names the formats. The browser's own reader is used where it knows them (Chrome on
 * Android, ChromeOS, macOS); a field that names formats gets one in JavaScript elsewhere, fetched
 * when the camera is first used. Without a camera the number is typed, or sent by a hand scanner.
 * A `textarea` takes many codes, each on a line; what the camera sees is added to it.
 */
type Field = HTMLInputElement | HTMLTextAreaElement; // of one code, or of many, each on a line
interface Barcode {
  rawValue: string;
}
interface Detector {
  detect(from: HTMLVideoElement): Promise<Barcode[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats?: () => Promise<string[]>;
}
type Read = (from: HTMLVideoElement) => Promise<string>;

const TUBES = ["code_128", "qr_code"];
const SEPARATOR = "\u001d"; // between the elements of a GS1 code

export function startScanner(): void {
  const field = document.querySelector<Field>("input[data-scan], textarea[data-scan]");
  if (!field) return;
  keepSeparators(field);
  if (field instanceof HTMLInputElement) {
    // What was refused stands in the field: the next scan replaces it, and is not added to it.
    field.addEventListener("focus", () => field.select());
    if (document.activeElement === field) field.select();
  }
  const named = (field.dataset["scan"] ?? "").split(",").filter(Boolean);
  const own = (window as unknown as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  const button = document.querySelector<HTMLButtonElement>("[data-camera]");
  const dialog = document.querySelector<HTMLDialogElement>("dialog[data-camera-view]");
  if (!button || !dialog || !navigator.mediaDevices || !(own || named.length)) return;
  button.hidden = false;
  button.addEventListener("click", () => void look(reader(own, named), field, dialog, button));
}

/** A hand scanner sends the separator as Ctrl and ], which a field would not take. */
function keepSeparators(field: Field): void {
  (field as HTMLElement).addEventListener("keydown", (event) => {
    if (!event.ctrlKey || (event.key !== "]" && event.key !== SEPARATOR)) return;
    event.preventDefault();
    const end = field.value.length;
    field.setRangeText(SEPARATOR, field.selectionStart ?? end, field.selectionEnd ?? end, "end");
  });
}

/** One more line, and the next scan begins another; a code that stands there is not added twice. */
function append(field: HTMLTextAreaElement, code: string): void {
  const lines = field.value.split(/[\r\n]+/).filter(Boolean);
  field.value = lines.concat(lines.includes(code) ? [] : [code], "").join("\n");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

async function reader(own: DetectorClass | undefined, named: string[]): Promise<Read> {
  const wanted = named.length ? named : TUBES;
  if (own) {
    const known = (await own.getSupportedFormats?.()) ?? wanted;
    if (!named.length || known.includes(wanted[0] ?? "")) {
      const detector = new own({ formats: wanted.filter((one) => known.includes(one)) });
      return async (video) => (await detector.detect(video).catch(() => []))[0]?.rawValue ?? "";
    }
  }
  return (await import("./barcodes")).reader();
}

async function look(
  reading: Promise<Read>,
  field: Field,
  dialog: HTMLDialogElement,
  button: HTMLButtonElement,
): Promise<void> {
  const video = dialog.querySelector("video");
  const said = document.getElementById("fk-camera-said");
  if (!video) return;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    if (said) said.textContent = button.dataset["refused"] ?? "";
    field.focus();
    return;
  }
  const stop = (): void => stream.getTracks().forEach((track) => track.stop());
  dialog.addEventListener("close", stop, { once: true });
  video.srcObject = stream;
  dialog.showModal();
  await video.play();
  const read = await reading;
  while (dialog.open) {
    const found = await read(video);
    if (found && dialog.open) {
      dialog.close();
      if (field instanceof HTMLTextAreaElement) {
        append(field, found);
        if (said) said.textContent = found.replaceAll(SEPARATOR, " ").trim();
      } else {
        field.value = found;
        field.form?.requestSubmit();
      }
      return;
    }
    await new Promise((next) => requestAnimationFrame(next));
  }
}

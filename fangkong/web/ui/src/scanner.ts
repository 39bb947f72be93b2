/**
 * Fields that a camera may fill with a barcode. Where the browser reads barcodes itself (Chrome on
 * Android, ChromeOS, macOS) and has a camera, the page's button beside the field is shown; elsewhere
 * the number is typed, or sent by a hand scanner.
 */
interface Barcode {
  rawValue: string;
}
interface Detector {
  detect(from: HTMLVideoElement): Promise<Barcode[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

const FORMATS = ["code_128", "qr_code"];

export function startScanner(): void {
  const read = (window as unknown as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  const button = document.querySelector<HTMLButtonElement>("[data-camera]");
  const field = document.querySelector<HTMLInputElement>("input[data-scan]");
  const dialog = document.querySelector<HTMLDialogElement>("dialog[data-camera-view]");
  if (!read || !button || !field || !dialog || !navigator.mediaDevices) return;
  button.hidden = false;
  button.addEventListener("click", () => void look(new read({ formats: FORMATS }), field, dialog, button));
}

async function look(
  detector: Detector,
  field: HTMLInputElement,
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
  while (dialog.open) {
    const [found] = await detector.detect(video).catch(() => [] as Barcode[]);
    if (found && dialog.open) {
      dialog.close();
      field.value = found.rawValue;
      field.form?.requestSubmit();
      return;
    }
    await new Promise((next) => requestAnimationFrame(next));
  }
}

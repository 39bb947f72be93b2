import "./styles/main.scss";
import "./trusted";
import "htmx.org";
import "htmx.org/dist/ext/hx-csp.js";
import { startCopying } from "./copy";
import { focusFirstError, startForms } from "./forms";
import { startLive } from "./live";
import { listenForNow, startMoments } from "./moments";
import { startPalette } from "./palette";
import { startPasskeys } from "./passkeys";
import { startScanner } from "./scanner";
import { startSession } from "./session";
import { startShell } from "./shell";
import { startUploads } from "./uploads";

startShell();
startPalette();
startUploads(); // before forms: a form waits for its files
startForms();
startCopying();
listenForNow();
startMoments(document);
startPasskeys();
startScanner();
startSession();
startLive(document);
startFigures(document);

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  startLive(document);
  startFigures(document);
  startMoments(target);
  if (!target.closest("[data-live]")) focusFirstError(target);
});

/** Fetches the drawing code only on pages that show a chart or a map. */
function startFigures(root: ParentNode): void {
  if (!root.querySelector("[data-chart], [data-map]")) return;
  void import("./figures").then((figures) => figures.start(root));
}

import { registerMap, type ECharts, type EChartsCoreOption } from "echarts/core";
import { announce, text } from "../dom";
import { canvasOf, colour, common, drawing, fetchJson, type Drawing } from "./drawing";

interface Area {
  code: string;
  name: string;
  value: number | null;
  label?: string;
  url?: string;
}

/** One class of the map: values from `from` to `to`, both included; `to` null means no upper end. */
interface Class {
  from: number;
  to: number | null;
  label: string;
  color?: string;
}

interface MapData {
  areas: Area[];
  unit?: string;
  legend: Class[];
}

const CLOSEST = 8;
const STEP = 1.5;
const RAMP = 6;

export async function drawMap(figure: HTMLElement): Promise<Drawing> {
  const box = canvasOf(figure, "map");
  const label = box.getAttribute("aria-label") ?? figure.dataset["mapLabel"] ?? "";
  box.removeAttribute("aria-label");
  box.setAttribute("role", "group");
  const canvas = document.createElement("div");
  canvas.className = "fk-map-plot";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("tabindex", "0");
  canvas.setAttribute("aria-label", [label, text("MapHelp")].filter(Boolean).join(" "));
  box.replaceChildren(canvas);

  const borders = figure.dataset["borders"] ?? "";
  const shapes = await fetchJson<Shapes>(borders);
  registerMap(borders, shapes as never);

  const state: State = { borders, aspect: aspectOf(shapes), data: { areas: [], legend: [] }, zoom: 1 };
  const load = async () => {
    state.data = await fetchJson<MapData>(figure.dataset["map"] ?? "");
    drawLegend(box, state.data.legend);
  };
  const made = drawing(canvas, load, () => optionOf(state));
  await made.drawing.refresh();

  addTools(box, made.chart, state);
  made.chart.on("click", (event) => {
    const area = (event.data as { area?: Area } | undefined)?.area;
    if (area?.url) location.assign(area.url);
  });
  canvas.addEventListener("keydown", (event) => walk(event, made.chart, state));
  canvas.addEventListener("blur", () => {
    made.chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
    made.chart.dispatchAction({ type: "hideTip" });
  });
  return made.drawing;
}

/** GeoJSON as far as this file reads it. */
interface Shapes {
  features: { geometry: { coordinates: unknown } }[];
}

/** How much narrower a degree of longitude is than one of latitude, in the middle of these shapes. */
function aspectOf(shapes: Shapes): number {
  const flat = shapes.features.flatMap((one) => (one.geometry.coordinates as number[][]).flat(3));
  let [south, north] = [90, -90];
  for (let at = 1; at < flat.length; at += 2) {
    south = Math.min(south, flat[at] ?? south);
    north = Math.max(north, flat[at] ?? north);
  }
  return Math.cos((((south + north) / 2) * Math.PI) / 180);
}

interface State {
  borders: string;
  aspect: number;
  data: MapData;
  zoom: number;
  at?: number;
}

function optionOf({ borders, aspect, data, zoom }: State): EChartsCoreOption {
  const base = common();
  const line = colour("map-line");
  return {
    ...base,
    tooltip: {
      ...(base["tooltip"] as object),
      trigger: "item",
      formatter: (item: { data?: { area?: Area } }) => (item.data?.area ? sentence(item.data.area, data) : ""),
    },
    series: [
      {
        type: "map",
        map: borders,
        nameProperty: "code",
        aspectScale: aspect,
        roam: zoom > 1 ? "move" : false,
        zoom,
        scaleLimit: { min: 1, max: CLOSEST },
        // Whole in its box, whichever side is the short one.
        left: 8,
        right: 8,
        top: 8,
        bottom: 8,
        preserveAspect: true,
        selectedMode: false,
        cursor: "pointer",
        itemStyle: { areaColor: colour("seq-0"), borderColor: line, borderWidth: 1 },
        label: { show: true, fontSize: 11, color: colour("ink") },
        labelLayout: { hideOverlap: true },
        emphasis: {
          itemStyle: { borderColor: colour("ink"), borderWidth: 2.5 },
          label: { show: true, fontWeight: 700 },
        },
        data: data.areas.map((area) => regionOf(area, data.legend)),
      },
    ],
  };
}

function regionOf(area: Area, legend: Class[]): object {
  const fill = colour(fillOf(area, legend));
  const ink = inkOn(fill);
  // A seam in the area's own colour keeps a name readable where it runs over the border.
  const label = { formatter: area.name, color: ink, textBorderColor: fill, textBorderWidth: 2.5 };
  return {
    name: area.code,
    value: area.value,
    area,
    itemStyle: { areaColor: fill },
    label,
    emphasis: { itemStyle: { areaColor: fill }, label },
  };
}

function fillOf(area: Area, legend: Class[]): string {
  const { value } = area;
  if (value == null) return "surface-2";
  const index = legend.findIndex(({ from, to }) => value >= from && (to == null || value <= to));
  return index < 0 ? "seq-0" : classColour(legend, index);
}

/** The colour that the server named, else the step of the ramp at this place of the legend. */
function classColour(legend: Class[], index: number): string {
  const spread = legend.length > 1 ? (RAMP - 1) / (legend.length - 1) : 1;
  return legend[index]?.color ?? `seq-${Math.round(index * spread)}`;
}

/** Black or white, whichever reads better on a colour given as #rrggbb. */
function inkOn(fill: string): string {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(fill.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return light > 0.19 ? "#101c20" : "#ffffff";
}

function sentence(area: Area, data: MapData): string {
  if (area.label) return area.label;
  const value = area.value == null ? "–" : String(area.value);
  return `${area.name} ${value}${data.unit ? ` ${data.unit}` : ""}`;
}

/** The legend is drawn as HTML: it wraps on a phone, and a screen reader can read it. */
function drawLegend(box: HTMLElement, classes: Class[]): void {
  const list = document.createElement("ul");
  list.className = "fk-legend";
  classes.forEach((one, index) => {
    const item = document.createElement("li");
    const name = classColour(classes, index);
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const fill = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    fill.setAttribute("width", "100%");
    fill.setAttribute("height", "100%");
    // A token, not its value, so that the swatch follows the theme by itself.
    fill.style.fill = name.startsWith("#") ? name : `var(--fk-${name})`;
    swatch.setAttribute("aria-hidden", "true");
    swatch.append(fill);
    item.append(swatch, one.label);
    list.append(item);
  });
  const old = box.querySelector(".fk-legend");
  if (old) old.replaceWith(list);
  else box.append(list);
}

function addTools(box: HTMLElement, chart: ECharts, state: State): void {
  const tools = document.createElement("div");
  tools.className = "fk-map-tools";
  const zoomTo = (zoom: number) => {
    state.zoom = Math.min(CLOSEST, Math.max(1, zoom));
    chart.dispatchAction({ type: "hideTip" });
    const whole = state.zoom === 1 ? { center: null } : {};
    chart.setOption({ series: [{ zoom: state.zoom, roam: state.zoom > 1 ? "move" : false, ...whole }] });
  };
  tools.append(
    tool("+", text("ZoomIn"), () => zoomTo(state.zoom * STEP)),
    tool("−", text("ZoomOut"), () => zoomTo(state.zoom / STEP)),
    tool("⤢", text("ZoomReset"), () => zoomTo(1)),
  );
  box.append(tools);
}

function tool(sign: string, label: string, act: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = sign;
  button.setAttribute("aria-label", label);
  button.title = label;
  button.addEventListener("click", act);
  return button;
}

/** Arrow keys go from area to area, Enter opens the one that is lit. */
function walk(event: KeyboardEvent, chart: ECharts, state: State): void {
  const { areas } = state.data;
  if (event.key === "Enter") {
    const url = areas[state.at ?? -1]?.url;
    if (url) location.assign(url);
    return;
  }
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || areas.length === 0) return;
  event.preventDefault();
  const from = state.at ?? (step > 0 ? -1 : 0);
  state.at = (from + step + areas.length) % areas.length;
  const area = areas[state.at];
  if (!area) return;
  chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
  chart.dispatchAction({ type: "highlight", seriesIndex: 0, name: area.code });
  chart.dispatchAction({ type: "showTip", seriesIndex: 0, name: area.code });
  announce(sentence(area, state.data));
}

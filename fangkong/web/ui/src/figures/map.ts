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
const TILE = 10; // pixels from one line of the hatch to the next, across and down

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
    drawLegend(box, state.data.legend, hasBlank(state.data, shapes));
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

/** Whether an area has no figure: it is hatched, and the legend says so. */
function hasBlank({ areas }: MapData, shapes: Shapes): boolean {
  return areas.length < shapes.features.length || areas.some(({ value }) => value == null);
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
  const blank = hatch();
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
        itemStyle: { areaColor: blank, borderColor: line, borderWidth: 1 },
        label: { show: true, fontSize: 11, color: colour("ink") },
        labelLayout: { hideOverlap: true },
        emphasis: {
          itemStyle: { borderColor: colour("ink"), borderWidth: 2.5 },
          label: { show: true, fontWeight: 700 },
        },
        data: data.areas.map((area) => regionOf(area, data.legend, blank)),
      },
    ],
  };
}

function regionOf(area: Area, legend: Class[], blank: object): object {
  const ground = colour(area.value == null ? "surface" : fillOf(area.value, legend));
  const fill = area.value == null ? blank : ground;
  const ink = inkOn(ground);
  // A seam in the area's own colour keeps a name readable where it runs over the border or the hatch.
  const seam = area.value == null ? 4 : 2.5;
  const label = { formatter: area.name, color: ink, textBorderColor: ground, textBorderWidth: seam };
  return {
    name: area.code,
    value: area.value,
    area,
    itemStyle: area.value == null ? { areaColor: fill, borderColor: colour("line-strong") } : { areaColor: fill },
    label,
    emphasis: { itemStyle: { areaColor: fill }, label },
  };
}

/** Slanting lines: no figure must not look like a small one. */
function hatch(): object {
  const tile = document.createElement("canvas");
  tile.width = tile.height = TILE * devicePixelRatio;
  const paper = tile.getContext("2d");
  if (paper) {
    paper.scale(tile.width / TILE, tile.height / TILE);
    paper.fillStyle = colour("surface");
    paper.fillRect(0, 0, TILE, TILE);
    paper.strokeStyle = colour("line-strong");
    paper.beginPath();
    for (const at of [-TILE, 0, TILE]) {
      paper.moveTo(at - 1, TILE + 1);
      paper.lineTo(at + TILE + 1, -1);
    }
    paper.stroke();
  }
  const scale = TILE / tile.width;
  return { image: tile, repeat: "repeat", scaleX: scale, scaleY: scale };
}

function fillOf(value: number, legend: Class[]): string {
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
function drawLegend(box: HTMLElement, classes: Class[], blank: boolean): void {
  const list = document.createElement("ul");
  list.className = "fk-legend";
  classes.forEach((one, index) => {
    const fill = shape("rect", { width: "100%", height: "100%" });
    const name = classColour(classes, index);
    // A token, not its value, so that the swatch follows the theme by itself.
    fill.style.fill = name.startsWith("#") ? name : `var(--fk-${name})`;
    list.append(entry(one.label, fill));
  });
  if (blank) {
    const frame = shape("rect", { width: "100%", height: "100%", fill: "none" });
    list.append(entry(text("MapNone"), frame, shape("path", { d: "M-2 8 8-2M2 14 16 0M10 16 20 6" })));
  }
  const old = box.querySelector(".fk-legend");
  if (old) old.replaceWith(list);
  else box.append(list);
}

function entry(label: string, ...shapes: SVGElement[]): HTMLLIElement {
  const item = document.createElement("li");
  const swatch = shape("svg", { "aria-hidden": "true" });
  swatch.append(...shapes);
  item.append(swatch, label);
  return item;
}

function shape(name: "svg" | "rect" | "path", attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
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

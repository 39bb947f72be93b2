import { BarChart, LineChart, MapChart } from "echarts/charts";
import {
  GeoComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
} from "echarts/components";
import { init, use, type ECharts, type EChartsCoreOption } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([
  BarChart,
  LineChart,
  MapChart,
  GeoComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  LabelLayout,
  CanvasRenderer,
]);

/** A figure on the page. */
export interface Drawing {
  refresh(): Promise<void>;
  restyle(): void;
  resize(): void;
  dispose(): void;
}

/** Fetches JSON of this site; throws when the server does not answer with it. */
export async function fetchJson<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return (await answer.json()) as T;
}

/** The box of a figure that is ours to fill: the server's, or a new one. A live region leaves it alone. */
export function canvasOf(figure: HTMLElement, kind: "chart" | "map"): HTMLElement {
  const found = figure.querySelector<HTMLElement>(`.fk-${kind}-canvas`);
  if (found) return found;
  const made = document.createElement("div");
  made.className = `fk-${kind}-canvas`;
  figure.prepend(made);
  return made;
}

/** A drawing that follows its size and is built again from its data whenever the theme changes. */
export function drawing(
  canvas: HTMLElement,
  load: () => Promise<void>,
  option: (chart: ECharts) => EChartsCoreOption,
): { chart: ECharts; drawing: Drawing } {
  const chart = init(canvas);
  const size = new ResizeObserver(() => chart.resize());
  size.observe(canvas);
  const restyle = () => chart.setOption(option(chart), { notMerge: true });
  return {
    chart,
    drawing: {
      async refresh() {
        await load();
        restyle();
      },
      restyle,
      resize: () => chart.resize(),
      dispose() {
        size.disconnect();
        chart.dispose();
      },
    },
  };
}

const probe = document.createElement("canvas").getContext("2d");

/** The colour of a token (`series-1`, `seq-3`, `ink`) in the present theme, or a colour as it is. */
export function colour(name: string): string {
  if (name.startsWith("#")) return name;
  // A token may say light-dark(): only a real property resolves it.
  const sample = document.createElement("i");
  sample.hidden = true;
  sample.style.color = `var(--fk-${name.replace(/^--fk-/, "")})`;
  document.body.append(sample);
  const resolved = getComputedStyle(sample).color;
  sample.remove();
  if (!probe) return resolved;
  probe.fillStyle = resolved;
  return String(probe.fillStyle);
}

/** What all figures share: the page's type, quiet axes, tooltips drawn as text. */
export function common(): EChartsCoreOption {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    animation: !still,
    animationDuration: 250,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("ink") },
    tooltip: {
      renderMode: "richText", // HTML tooltips need inline styles, which the security policy refuses
      confine: true,
      backgroundColor: colour("surface"),
      borderColor: colour("line-strong"),
      borderWidth: 1,
      padding: [6, 10],
      textStyle: { color: colour("ink"), fontSize: 13 },
    },
  };
}

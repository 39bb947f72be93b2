import type { EChartsCoreOption } from "echarts/core";
import { canvasOf, colour, common, drawing, fetchJson, type Drawing } from "./drawing";

interface Series {
  name: string;
  values: (number | null)[];
  type?: "bar" | "line";
  color?: string;
}

/** What the server sends for a chart. `values` has one entry for each `x`. */
interface Chart {
  kind: "bars" | "stacked" | "lines";
  x: string[];
  series: Series[];
  unit?: string;
  marks?: { x: string; label: string }[];
  as_of?: string;
}

const PALETTE = 6;

export async function drawChart(figure: HTMLElement): Promise<Drawing> {
  const canvas = canvasOf(figure, "chart");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.dataset["chartLabel"] ?? "");
  let data: Chart = { kind: "bars", x: [], series: [] };
  const load = async () => {
    data = await fetchJson<Chart>(figure.dataset["chart"] ?? "");
  };
  const made = drawing(canvas, load, (chart) => optionOf(data, chart.getWidth()));
  await made.drawing.refresh();
  return made.drawing;
}

function optionOf(data: Chart, width: number): EChartsCoreOption {
  const base = common();
  const legend = data.series.length > 1;
  const legendRows = legend ? rowsOf(data.series.map((one) => one.name), width) : 0;
  return {
    ...base,
    tooltip: {
      ...(base["tooltip"] as object),
      trigger: "axis",
      axisPointer: { type: data.kind === "lines" ? "line" : "shadow" },
      valueFormatter: (value: unknown) =>
        value == null || value === "-" ? "–" : `${String(value)}${data.unit ? ` ${data.unit}` : ""}`,
    },
    legend: {
      show: legend,
      top: 0,
      left: 0,
      itemWidth: 16,
      itemHeight: 9,
      itemGap: 14,
      textStyle: { color: colour("ink-2"), fontSize: 12 },
    },
    grid: {
      left: 4,
      right: 12,
      top: legendRows * LEGEND_ROW + 12 + (data.unit || data.marks?.length ? 16 : 0),
      bottom: 2,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    xAxis: {
      type: "category",
      data: data.x,
      boundaryGap: data.series.some((one) => isBar(one, data.kind)),
      axisLine: { lineStyle: { color: colour("line-strong") } },
      axisTick: { show: false },
      axisLabel: {
        color: colour("ink-2"),
        fontSize: 12,
        hideOverlap: true,
        formatter: (day: string) => shortDay(day, data.x, width),
      },
    },
    yAxis: {
      type: "value",
      name: data.unit ?? "",
      minInterval: 1,
      nameTextStyle: { color: colour("ink-2"), align: "left", padding: [0, 0, 0, -18], fontSize: 12 },
      axisLabel: { color: colour("ink-2"), fontSize: 12 },
      splitLine: { lineStyle: { color: colour("line") } },
    },
    series: data.series.map((one, index) => seriesOf(one, index, data)),
  };
}

const LEGEND_ROW = 24;

/** How many rows the legend takes, so that the plot starts below it. */
function rowsOf(names: string[], width: number): number {
  const wide = /[\u2e80-\uffff]/;
  let rows = 1;
  let used = 0;
  for (const name of names) {
    const item = 36 + [...name].reduce((sum, sign) => sum + (wide.test(sign) ? 12 : 7), 0);
    if (used > 0 && used + item > width) {
      rows += 1;
      used = 0;
    }
    used += item;
  }
  return rows;
}

function isBar(one: Series, kind: Chart["kind"]): boolean {
  return (one.type ?? (kind === "lines" ? "line" : "bar")) === "bar";
}

function seriesOf(one: Series, index: number, data: Chart): object {
  const bar = isBar(one, data.kind);
  const tint = colour(one.color ?? `series-${(index % PALETTE) + 1}`);
  return {
    name: one.name,
    type: bar ? "bar" : "line",
    data: one.values,
    color: tint,
    ...(bar
      ? { stack: data.kind === "stacked" ? "all" : undefined, barMaxWidth: 28, barCategoryGap: "22%" }
      : {
          symbol: SYMBOLS[index % SYMBOLS.length],
          symbolSize: 6,
          showSymbol: data.x.length <= 31,
          lineStyle: { width: 2, type: index === 0 || !data.series.some((s) => isBar(s, data.kind)) ? "solid" : "dashed" },
          connectNulls: false,
        }),
    ...(index === 0 ? { markLine: marksOf(data) } : {}),
  };
}

// Lines differ by their marks too, not by colour alone.
const SYMBOLS = ["circle", "diamond", "triangle", "rect", "roundRect", "pin"];

function marksOf(data: Chart): object {
  const alarm = colour("alarm");
  return {
    silent: true,
    symbol: ["none", "none"],
    lineStyle: { color: alarm, type: "dashed", width: 1.25 },
    // Above the plot, where no bar and no line is.
    label: { color: alarm, fontSize: 12, fontWeight: 600, position: "end", rotate: 0, distance: 4 },
    data: (data.marks ?? []).map((mark) => ({
      xAxis: mark.x,
      label: { formatter: mark.label, align: sideOf(data.x.indexOf(mark.x), data.x.length) },
    })),
  };
}

/** A label near an end of the axis grows away from it, so that nothing cuts it off. */
function sideOf(place: number, places: number): "left" | "center" | "right" {
  const share = (place + 0.5) / Math.max(places, 1);
  if (share > 0.85) return "right";
  return share < 0.15 ? "left" : "center";
}

/** 2020-02-05 as 02-05 when the axis stays within a year; the tooltip has the full day. */
function shortDay(day: string, all: string[], width: number): string {
  const whole = /^\d{4}-\d{2}-\d{2}$/;
  if (!whole.test(day)) return day;
  const oneYear = all[0]?.slice(0, 4) === all.at(-1)?.slice(0, 4);
  return oneYear || width < 480 ? day.slice(5) : day;
}

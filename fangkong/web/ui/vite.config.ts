import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The names in icons.txt: one a line, `#` starts a comment. */
function iconNames(): string[] {
  return readFileSync(here("icons.txt"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter(Boolean);
}

/** One SVG file with a symbol per icon; pages show a symbol with <use>. */
function sprite(): string {
  const symbols = iconNames().map((name) => {
    const svg = readFileSync(here(`node_modules/@tabler/icons/icons/outline/${name}.svg`), "utf8");
    const shapes = svg
      .replace(/[\s\S]*?<svg[\s\S]*?>/, "")
      .replace("</svg>", "")
      .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" \/>/, "")
      .replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

/** Writes the sprite, and the manifest that templatetags/web.py reads. */
function manifest(): Plugin {
  return {
    name: "fangkong-manifest",
    buildStart() {
      this.addWatchFile(here("icons.txt"));
      this.emitFile({ type: "asset", name: "icons.svg", source: sprite() });
    },
    generateBundle(_options, bundle) {
      const files = Object.values(bundle);
      const named = (name: string, end: string): string => {
        const hit = files.find((file) => {
          const names = file.type === "asset" ? file.names : [`${file.name}.js`];
          return names.includes(`${name}${end}`) && (file.type === "asset" || file.isEntry);
        });
        if (!hit) throw new Error(`The build made no ${name}${end}.`);
        return hit.fileName;
      };
      const content = {
        css: named("main", ".css"),
        js: named("main", ".js"),
        theme: named("theme", ".js"),
        sprite: named("icons", ".svg"),
        icons: iconNames(),
      };
      this.emitFile({
        type: "asset",
        fileName: "manifest.json",
        source: JSON.stringify(content, null, 1),
      });
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [manifest()],
  css: { preprocessorOptions: { scss: { silenceDeprecations: ["if-function"], quietDeps: true } } },
  build: {
    outDir: here("../static/web/dist"),
    emptyOutDir: true,
    assetsDir: "",
    // The oldest browsers with light-dark() and oklch(), which Tabler's colours need.
    target: ["chrome123", "firefox120", "safari17.5"],
    // Preloading adds <link> elements without a nonce, which the content security policy refuses.
    modulePreload: false,
    reportCompressedSize: true,
    rollupOptions: {
      input: { main: here("src/main.ts"), theme: here("src/theme.ts") },
    },
  },
});

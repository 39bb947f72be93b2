declare module "*.scss";
declare module "htmx.org/dist/ext/hx-csp.js";

// Trusted Types: nothing but htmx (through its own policy) may turn text into markup. Libraries that
// empty an element with innerHTML = "" still work; anything else is refused, ours included.

interface PolicyFactory {
  createPolicy(name: string, rules: { createHTML(text: string): string }): unknown;
}

const factory = (window as { trustedTypes?: PolicyFactory }).trustedTypes;

factory?.createPolicy("default", {
  createHTML(text) {
    if (text === "") return text;
    throw new TypeError("Markup from text is not allowed here.");
  },
});

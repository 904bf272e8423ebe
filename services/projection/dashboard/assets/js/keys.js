// Everything by keyboard; off while somebody types.
const PLACES = { i: "/inbox", p: "/promises", o: "/outbox", x: "/live", s: "/system", y: "/settings", t: "/try" };
let begun = false;

export function keys() {
  document.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.target.form?.requestSubmit(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") { back(typing); return; }
    if (typing || document.body.dataset.keys === "off") return;
    if (begun) {
      begun = false;
      const to = PLACES[event.key];
      if (to && document.querySelector(`a[href="${to}"]`)) location.href = to;
      return;
    }
    const does = {
      g: () => { begun = true; setTimeout(() => { begun = false; }, 1500); },
      "/": () => focus("[data-key='/']"),
      "?": () => document.getElementById("keys")?.showModal?.(),
      j: () => step(1), ArrowDown: () => step(1),
      k: () => step(-1), ArrowUp: () => step(-1),
    }[event.key] || pressing(event.key);
    if (does && does() !== false) event.preventDefault();
  });
}

// A control names its own key.
function pressing(key) {
  const near = document.activeElement.closest?.("[data-row]");
  const control = near?.querySelector(`[data-key="${CSS.escape(key)}"]`) || document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  return control && (() => (control.matches("textarea, input") ? control.focus() : control.click()));
}

function focus(selector) {
  const field = document.querySelector(selector);
  if (!field) return false;
  field.focus();
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return false;
  const here = rows.findIndex(row => row.contains(document.activeElement) || row === document.activeElement);
  const start = here < 0 ? rows.findIndex(row => row.hasAttribute("aria-current")) : here;
  const next = rows[Math.min(rows.length - 1, Math.max(0, start + by))];
  (next.matches("a, button") ? next : next.querySelector("a, button, summary"))?.focus();
}

function back(typing) {
  const open = document.querySelector("dialog[open]");
  if (open) return;
  if (typing) { typing.blur(); return; }
  // The innermost comes last.
  [...document.querySelectorAll("[data-escape]")].at(-1)?.click();
}

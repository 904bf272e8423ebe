// Jumping to any client, page or command by typing.
const WAIT = 150;
let timer = null, asked = 0, before = null;

const sheet = () => document.getElementById("palette");
const field = () => document.getElementById("jump");
const list = () => document.getElementById("jumps");

export function palette() {
  if (!sheet()) return;
  document.addEventListener("click", event => { if (event.target.closest("[data-jump]")) openPalette(); });
  field().addEventListener("input", fill);
  field().addEventListener("keydown", event => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(event.key === "ArrowDown" ? 1 : -1); }
    if (event.key === "Enter") { event.preventDefault(); take(list().querySelector("[aria-selected='true']")); }
  });
  list().addEventListener("click", event => {
    const one = event.target.closest("li");
    if (one) { event.preventDefault(); take(one); }
  });
  sheet().addEventListener("click", event => { if (event.target === sheet()) sheet().close(); });
}

export function openPalette() {
  if (!sheet() || document.querySelector("dialog[open]")) return;
  before = document.activeElement;
  sheet().showModal();
  field().value = "";
  field().focus();
  fill();
}

// Pages, and what can be done on this one: in the row where the focus was, and outside of rows.
function own() {
  const pages = [...document.querySelectorAll("#sections a.to")].map(a => ({ name: a.querySelector("span").textContent, key: "", does: () => { location.href = a.href; } }));
  const row = before?.closest?.("[data-row]");
  const usable = control => !control.disabled && control.offsetParent && (!control.closest("[data-row]") || row?.contains(control));
  const controls = [...document.querySelectorAll("main [data-key]")].filter(usable).map(control => ({
    name: control.getAttribute("aria-label") || control.placeholder || control.textContent.trim(),
    key: control.dataset.key,
    does: () => { before?.focus?.(); if (control.matches("textarea, input:not([type=checkbox])")) control.focus(); else control.click(); },
  }));
  return [...controls, ...pages].filter(one => one.name);
}

const known = new WeakMap();

function fill() {
  const words = field().value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = own().filter(one => words.every(word => one.name.toLowerCase().includes(word)));
  show(found.map(one => {
    const li = document.createElement("li");
    li.setAttribute("role", "option");
    li.append(Object.assign(document.createElement("span"), { textContent: one.name }));
    if (one.key) li.append(Object.assign(document.createElement("kbd"), { textContent: one.key }));
    known.set(li, one.does);
    return li;
  }));
  clearTimeout(timer);
  timer = setTimeout(clients, WAIT);
}

async function clients() {
  const mine = ++asked;
  try {
    const answer = await fetch("/ui/find?" + new URLSearchParams({ q: field().value }), { cache: "no-store" });
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine === asked && answer.ok && sheet().open) show([...list().children].filter(li => known.has(li)), [...read.querySelectorAll("li")]);
  } catch { /* the line says that there is no connection */ }
}

function show(own, clients = []) {
  list().replaceChildren(...own, ...clients);
  [...list().children].forEach((li, n) => { li.id = "jump-" + n; li.setAttribute("aria-selected", String(n === 0)); });
  document.getElementById("no-jump").hidden = list().children.length > 0;
  choose(0);
}

function choose(by) {
  const all = [...list().children];
  const here = Math.max(0, all.findIndex(li => li.getAttribute("aria-selected") === "true"));
  const next = all[Math.min(all.length - 1, Math.max(0, here + by))];
  for (const li of all) li.setAttribute("aria-selected", String(li === next));
  next?.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", next?.id || "");
}

function take(one) {
  if (!one) return;
  sheet().close();
  const does = known.get(one);
  if (does) does();
  else location.href = one.querySelector("a").href;
}

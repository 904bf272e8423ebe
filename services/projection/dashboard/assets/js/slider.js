// The time slider: the page as it was after any event, without leaving it.
import { refresh } from "./regions.js";

const bar = () => document.getElementById("slider");

export function slider() {
  document.addEventListener("input", event => {
    if (event.target.id !== "slide") return;
    const place = event.target.valueAsNumber;
    const near = events().reduce((best, one) => Math.abs(one.place - place) < Math.abs(best.place - place) ? one : best);
    go(near.position);
  });
  document.addEventListener("click", event => {
    const to = event.target.closest("[data-moment]");
    // From now on the page is another one; in the past it stays.
    if (!to || !bar()) return;
    event.preventDefault();
    go(Number(to.dataset.moment));
  });
  document.addEventListener("keydown", event => {
    if (!bar() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input:not([type=range]), textarea, select")) return;
    const to = target(event.key, event.shiftKey);
    if (to === undefined) return;
    event.preventDefault();
    if (to) go(to.position);
  });
  document.addEventListener("steward:read", show);
  addEventListener("popstate", () => refresh());
  show();
}

function events() {
  return bar().dataset.events.split(" ").map(said => {
    const [position, place, day] = said.split(":");
    return { position: Number(position), place: Number(place), day: parseInt(day, 10), message: day.endsWith("m") };
  });
}

// Where a key leads from here: undefined if it is none of ours, null if there is nothing there.
function target(key, toMessages) {
  const all = events();
  const at = Number(new URL(location.href).searchParams.get("at"));
  const shown = Number(bar().dataset.place);
  // A time in the address stands where the page says.
  const here = Number.isNaN(at) ? all.findLastIndex(one => one.place <= shown) : all.findLastIndex(one => one.position <= at);
  const stop = one => !toMessages || one.message;
  const today = all[Math.max(0, here)].day;
  switch (key) {
    case "ArrowLeft": return all.slice(0, Math.max(0, here)).findLast(stop) || null;
    case "ArrowRight": return all.slice(here + 1).find(stop) || null;
    case "PageUp": return all.findLast(one => one.day < today) || all[0];
    case "PageDown": return all.find(one => one.day > today) || all.at(-1);
    case "Home": return all[0];
    case "End": return all.at(-1);
    default: return undefined;
  }
}

function go(position) {
  if (position >= events().at(-1).position) { location.href = bar().dataset.now; return; }
  const url = new URL(location.href);
  url.searchParams.set("at", position);
  history.replaceState(null, "", url);
  refresh();
}

// What the policy lets only scripts place.
function show() {
  const slide = document.getElementById("slide");
  if (!bar() || !slide) return;
  if (!slide.matches(":active")) slide.value = bar().dataset.place;
  for (const silence of bar().querySelectorAll(".silences span")) {
    silence.style.left = silence.dataset.place / 10 + "%";
    silence.style.visibility = "visible";
  }
}

// The time slider: the page as it was after any event, without leaving it.
import { refresh } from "./regions.js";

export function slider() {
  document.addEventListener("input", event => {
    if (!event.target.matches("[data-positions]")) return;
    const positions = event.target.dataset.positions.split(",");
    go(positions[event.target.value], event.target.valueAsNumber === positions.length - 1);
  });
  addEventListener("popstate", () => refresh());
}

function go(position, isNow) {
  const url = new URL(location.href);
  if (isNow) url.searchParams.delete("at");
  else url.searchParams.set("at", position);
  history.replaceState(null, "", url);
  refresh();
}

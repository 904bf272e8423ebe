// Countdowns tick here; the zone of whoever looks is told to the server, which writes all other times.
import { refresh } from "./regions.js";

const GRACE = 3000;

export function clock() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && document.body.dataset.zone !== zone) {
    document.cookie = `steward_zone=${encodeURIComponent(zone)}; Path=/; SameSite=Strict; Max-Age=31536000`;
    refresh();
  }
  setInterval(tick, 1000);
  document.addEventListener("steward:read", tick);
  tick();
}

function tick() {
  for (const node of document.querySelectorAll("[data-due]")) {
    const left = new Date(node.dataset.due) - Date.now();
    const text = said(Math.ceil(left / 1000));
    if (node.textContent !== text) node.textContent = text;
    // The time has come: what became of it is asked once.
    if (left < -GRACE && !node.dataset.asked) {
      node.dataset.asked = "1";
      refresh();
    }
  }
}

function said(seconds) {
  const { soon, within, units } = document.body.dataset;
  if (seconds <= 0) return soon;
  const [day, hour, minute, second] = units.split("|");
  const d = Math.floor(seconds / 86400), h = Math.floor(seconds % 86400 / 3600), m = Math.floor(seconds % 3600 / 60);
  const nb = "\u00a0";
  let text = `${seconds}${nb}${second}`;
  if (d) text = h && d < 7 ? `${d}${nb}${day} ${h}${nb}${hour}` : `${d}${nb}${day}`;
  else if (h) text = m ? `${h}${nb}${hour} ${m}${nb}${minute}` : `${h}${nb}${hour}`;
  else if (m) text = `${m}${nb}${minute}`;
  return within.replace("{}", text);
}

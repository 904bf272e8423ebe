// The browser's own notifications, if they are wanted: when more needs a person than before, and nobody looks.
import { counted } from "./words.js";

const needing = () => Number(document.title.match(/^\((\d+)\)/)?.[1] || 0);
let before = 0;

export function notify() {
  before = needing();
  document.addEventListener("steward:read", tell);
  document.addEventListener("change", event => { if (event.target.id === "notify") ask(event); }, true);
}

function tell() {
  const now = needing(), more = now > before;
  before = now;
  const said = document.body.dataset.notify;
  if (!said || !more || document.visibilityState === "visible" || !("Notification" in window) || Notification.permission !== "granted") return;
  // Each tab tells; by its tag it is one notification.
  const shown = new Notification(document.title.replace(/^\(\d+\) /, ""), { body: counted(said, now), tag: "steward-needs", icon: document.querySelector("link[rel=icon]").href });
  shown.addEventListener("click", () => { focus(); location.href = "/inbox"; });
}

// The browser is asked before the choice is kept: it may not allow them.
async function ask(event) {
  const field = event.target;
  if (field.value !== "needs" || !("Notification" in window) || Notification.permission === "granted") return;
  event.stopPropagation();
  const allowed = await Notification.requestPermission();
  document.getElementById("notify-refused").hidden = allowed === "granted";
  if (allowed !== "granted") field.value = "off";
  else field.form.requestSubmit();
}

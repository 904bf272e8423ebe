// Promises on a calendar: moved by dragging them to a day or hour, or with m and words.
let dragged = null;

export function calendar() {
  const board = document.getElementById("calendar");
  if (!board) return;
  board.addEventListener("dragstart", event => {
    dragged = event.target.closest("[data-promise]");
    if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.promise);
  });
  board.addEventListener("dragover", event => {
    const to = dragged && event.target.closest("[data-day]");
    if (!to) return;
    event.preventDefault();
    over(to);
  });
  board.addEventListener("drop", event => {
    const to = event.target.closest("[data-day]");
    event.preventDefault();
    if (dragged && to && to !== dragged.closest("[data-day]")) put(dragged, to);
  });
  board.addEventListener("dragend", () => { dragged = null; over(null); });
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const entry = document.activeElement.closest?.("#calendar .entry");
    if (!entry) return;
    if (event.key === "m" && entry.dataset.promise) { event.preventDefault(); ask(entry); }
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") beside(entry, event.key === "ArrowLeft" ? -1 : 1, event);
  }, true);
  document.querySelector("#move [data-close]").addEventListener("click", () => document.getElementById("move").close());
  document.addEventListener("steward:done", event => { if (event.target.closest?.("#move")) document.getElementById("move").close(); });
}

function over(to) {
  for (const other of document.querySelectorAll(".over")) other.classList.toggle("over", other === to);
  to?.classList.add("over");
}

// A move keeps what isn't said: a day keeps the hour, an hour its minutes.
function put(entry, to) {
  const form = Object.assign(document.createElement("form"), { method: "post", action: `/ui/follow-ups/${entry.dataset.promise}/change` });
  Object.assign(form.dataset, { command: "", stay: "", undo: form.getAttribute("action"), undoDue: entry.dataset.dueAt });
  const fields = { day: to.dataset.day, hour: to.dataset.hour || "", zone: entry.dataset.zone, was_due: entry.dataset.dueAt };
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  form.dataset.row = "";
  entry.before(form);
  over(null);
  form.addEventListener("steward:done", () => setTimeout(() => form.remove()));
  form.requestSubmit();
}

function ask(entry) {
  const sheet = document.getElementById("move"), form = sheet.querySelector("form");
  form.action = `/ui/follow-ups/${entry.dataset.promise}/change`;
  const field = form.querySelector("[data-when]");
  Object.assign(field.dataset, { when: entry.dataset.conversationOf, promise: entry.dataset.promise });
  form.reset();
  form.querySelector("[data-preview]").replaceChildren();
  document.getElementById("moved-what").textContent = entry.innerText.replaceAll("\n", " ");
  sheet.showModal();
  field.focus();
}

// The entry of the next day that has one.
function beside(entry, by, event) {
  const days = [...document.querySelectorAll("#calendar section")];
  const here = days.indexOf(entry.closest("section"));
  const next = by < 0 ? days.slice(0, here).findLast(day => day.querySelector(".entry")) : days.slice(here + 1).find(day => day.querySelector(".entry"));
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.querySelector(".entry").focus();
}

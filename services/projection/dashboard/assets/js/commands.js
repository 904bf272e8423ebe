// Forms give their commands without leaving the page: the answer is read back, a refusal stands below what was pressed.
import { refresh } from "./regions.js";

const words = () => document.body.dataset;

export function commands() {
  document.addEventListener("submit", event => {
    const form = event.target;
    if (form.method !== "post" || !form.matches("[data-command]")) return;
    event.preventDefault();
    if (form.dataset.sure && !confirm(form.dataset.sure)) return;
    send(form, event.submitter);
  });
  addEventListener("online", () => document.querySelectorAll("form[data-unsent]").forEach(form => send(form)));
}

async function send(form, pressed) {
  const said = new FormData(form, pressed);
  said.set("key", form.dataset.unsent || crypto.randomUUID());
  form.querySelector(":scope > .problem")?.remove();
  const shown = echo(form, said);
  form.classList.add("sending");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(said), headers: { "Steward-Script": "1" } });
    const body = await answer.json().catch(() => ({}));
    delete form.dataset.unsent;
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) {
      refused(form, body.detail || words().refused);
      shown?.remove();
      form.dispatchEvent(new CustomEvent("steward:refused", { bubbles: true, detail: { again: () => refresh(0, true) } }));
      return;
    }
    if (form.dataset.then === "reset") { form.reset(); form.dispatchEvent(new Event("steward:sent")); }
    if (body.to && form.dataset.then === "go") { location.href = body.to; return; }
    if (body.secret) showOnce(form, body.secret);
    if (body.said) answered(form, body);
    offerUndo(form, body);
    form.dispatchEvent(new Event("steward:done", { bubbles: true }));
    await refresh(body.position, true);
    shown?.remove();
  } catch {
    // The same key makes sure that it counts once, however often it is sent.
    form.dataset.unsent = said.get("key");
    refused(form, words().unsent);
  } finally {
    form.classList.remove("sending");
  }
}

// For a while what was done can be taken back, where it was done.
const UNDO = 8000;

function offerUndo(form, { id }) {
  const row = form.dataset.undo && form.closest("[data-row]");
  if (!row) return;
  const offer = document.createElement("form");
  Object.assign(offer, { method: "post", action: form.dataset.undo.replace("{id}", encodeURIComponent(id || "")), className: "undo small" });
  offer.dataset.command = offer.dataset.stay = "";
  const due = Object.assign(document.createElement("input"), { type: "hidden", name: "due_at", value: form.dataset.undoDue || "" });
  const press = Object.assign(document.createElement("button"), { className: "bare", textContent: words().undo });
  press.dataset.key = "z";
  const before = JSON.parse(form.dataset.undoFields || "{}"), more = { kind: form.dataset.undoKind, ...before };
  for (const [name, value] of Object.entries(more)) {
    if (value) offer.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  offer.append(words().undone + " ", due, press);
  // What was done before that stands.
  document.querySelectorAll(".undo").forEach(earlier => earlier.remove());
  row.before(offer);
  press.focus();
  setTimeout(() => offer.remove(), UNDO);
  offer.addEventListener("submit", () => setTimeout(() => offer.remove(), 300));
  // What was made is no more, and what was chosen stands in the fields as before.
  offer.addEventListener("steward:done", () => {
    form.parentElement?.querySelector(".once")?.remove();
    if (form.dataset.undoShows === undefined) return;
    for (const [name, value] of Object.entries(before)) form.elements[name].value = value;
  });
}

// What was asked is answered where it was asked.
function answered(form, { said, fine }) {
  form.parentElement.querySelector(".answer")?.remove();
  const answer = Object.assign(document.createElement("p"), { className: "answer small", textContent: (fine ? "✓ " : "✕ ") + said });
  answer.dataset.stay = "";
  answer.dataset.state = fine ? "sent" : "failed";
  answer.setAttribute("role", "status");
  form.after(answer);
}

// What no page will show again.
function showOnce(form, secret) {
  form.parentElement.querySelector(".once")?.remove();
  const shown = Object.assign(document.createElement("div"), { className: "once card" });
  shown.dataset.stay = "";
  const copy = Object.assign(document.createElement("button"), { type: "button", textContent: form.dataset.copy });
  copy.addEventListener("click", () => navigator.clipboard?.writeText(secret).then(() => { copy.textContent = form.dataset.copied; }));
  const said = Object.assign(document.createElement("p"), { className: "small", textContent: form.dataset.secret });
  said.setAttribute("role", "status");
  shown.append(said, Object.assign(document.createElement("code"), { textContent: secret }), copy);
  form.after(shown);
}

// What went wrong stands until the form is sent again, however often the page is read meanwhile.
function refused(form, detail) {
  const problem = Object.assign(document.createElement("p"), { className: "problem", textContent: detail });
  problem.setAttribute("role", "alert");
  problem.dataset.stay = "";
  form.append(problem);
}

// Own words stand at once where they will stand.
function echo(form, said) {
  const chat = form.dataset.echo && document.getElementById(form.dataset.echo);
  if (!chat || !said.get("text")) return null;
  const bubble = Object.assign(document.createElement("p"), { className: "bubble waiting " + (form.dataset.echoAs || ""), textContent: said.get("text") });
  chat.append(bubble);
  bubble.scrollIntoView({ block: "nearest" });
  return bubble;
}

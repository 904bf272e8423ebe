// What is chosen for this browser is kept at once by a new page; for a while that page offers to take it back, where it was chosen.
const NAME = "steward.chosen", UNDO = 8000;

export function choices() {
  const form = document.querySelector("form[action='/ui/mine'][data-auto]");
  if (!form) return;
  form.addEventListener("change", ({ target }) => {
    const before = [...target.options].find(option => option.defaultSelected)?.value ?? target.options[0].value;
    try { sessionStorage.setItem(NAME, JSON.stringify({ name: target.name, before })); } catch { /* a private window keeps nothing */ }
  });
  const chosen = taken(), field = chosen && form.elements[chosen.name];
  if (field && field.value !== chosen.before) offer(field, chosen.before);
}

function taken() {
  try {
    const kept = sessionStorage.getItem(NAME);
    sessionStorage.removeItem(NAME);
    return JSON.parse(kept);
  } catch { return null; }
}

// A form can't stand in another, so it stands before it, and its button where the field is.
function offer(field, before) {
  const { undone, undo } = document.body.dataset;
  const form = Object.assign(document.createElement("form"), { method: "post", action: "/ui/mine", id: "undo-form", hidden: true });
  for (const [name, value] of [["back", "/settings"], [field.name, before]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  const place = Object.assign(document.createElement("p"), { className: "undo small", id: "undo-choice" });
  const said = Object.assign(document.createElement("span"), { textContent: undone + " " });
  said.setAttribute("role", "status");
  const press = Object.assign(document.createElement("button"), { className: "bare", textContent: undo });
  press.setAttribute("form", form.id);
  press.dataset.key = "z";
  place.append(said, press);
  field.form.before(form);
  field.after(place);
  press.focus();
  setTimeout(() => { form.remove(); place.remove(); }, UNDO);
}

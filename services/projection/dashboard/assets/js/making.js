// Words in the making: what a model is just saying, below the chat until it is said or dropped. Nobody waits for them for long.
import { endInView, toEnd } from "./regions.js";

const LONGEST = 60 * 1000;
let place = null, turn = "", ended = "", said = "", over = false, timer = 0;

export function making() {
  place = document.getElementById("making");
  // What became of them stands in the chat as soon as it was read anew.
  document.addEventListener("steward:read", () => { if (over) clear(); });
}

// An event of the stream; `true`: that was all of it.
export function whenMade(data) {
  const ours = place && data.conversation_id === place.dataset.of;
  if (data.type !== "WordsInTheMaking") {
    if (ours && data.turn && data.turn.state !== "running") {
      ended = data.turn.id;
      if (ended === turn) over = true;
    }
    return false;
  }
  // They come by another way than what is in the log: the last of them may come after what they became.
  if (!ours || data.turn.id === ended) return true;
  const { from, text } = data.words;
  if (text === null) { clear(); return true; }
  if (data.turn.id !== turn || from === 0) said = from === 0 ? "" : "… ";
  turn = data.turn.id;
  over = false;
  said += text;
  const follows = endInView();
  place.hidden = false;
  place.firstElementChild.textContent = said;
  if (follows) toEnd();
  clearTimeout(timer);
  timer = setTimeout(clear, LONGEST);
  return true;
}

function clear() {
  clearTimeout(timer);
  said = "";
  over = false;
  if (!place) return;
  place.hidden = true;
  place.firstElementChild.textContent = "";
}

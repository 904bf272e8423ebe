// Starts what makes the pages live. Without it they are plain pages with plain forms.
import { follow } from "./stream.js";
import { refresh, whenChanged } from "./regions.js";
import { commands } from "./commands.js";
import { clock } from "./clock.js";
import { keys } from "./keys.js";
import { composer } from "./composer.js";
import { slider } from "./slider.js";

clock();
commands();
composer();
slider();
keys();
// A chat is read from its end.
const chat = document.querySelector("[data-follow]");
if (chat && !location.hash) scrollTo({ top: chat.parentElement.getBoundingClientRect().bottom - innerHeight });
if (document.body.dataset.live) {
  follow({
    from: Number(document.body.dataset.position),
    changed: whenChanged,
    again: position => refresh(position),
    line: (state, text) => {
      const line = document.getElementById("line");
      if (!line) return;
      line.dataset.state = state;
      const at = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
      line.textContent = (line.dataset[text] || "").replace("{}", at);
    },
  });
}

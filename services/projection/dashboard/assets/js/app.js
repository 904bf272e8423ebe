// Starts what makes the pages live. Without it they are plain pages with plain forms.
import { follow } from "./stream.js";
import { figures, refresh, whenChanged } from "./regions.js";
import { commands } from "./commands.js";
import { clock } from "./clock.js";
import { keys } from "./keys.js";
import { composer } from "./composer.js";
import { slider } from "./slider.js";
import { chat } from "./chat.js";
import { unread } from "./unread.js";
import { palette } from "./palette.js";
import { calendar } from "./calendar.js";
import { several } from "./several.js";
import { live } from "./live.js";
import { held } from "./held.js";
import { making, whenMade } from "./making.js";
import { notify } from "./notify.js";
import { choices } from "./choices.js";

clock();
commands();
composer();
slider();
keys();
palette();
live();
calendar();
several();
chat();
held();
unread();
making();
notify();
choices();
figures();
if (document.body.dataset.live) {
  follow({
    from: Number(document.body.dataset.position),
    changed: data => { if (!whenMade(data)) whenChanged(data); },
    again: position => refresh(position),
    line: (state, text) => {
      const line = document.getElementById("line");
      if (!line) return;
      line.dataset.state = state;
      const at = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: document.body.dataset.hours ? document.body.dataset.hours === "12" : undefined });
      line.textContent = (line.dataset[text] || "").replace("{}", at);
    },
  });
}

// Follows the live stream (SSE), and goes on where it stopped, without a gap. It needs nothing but Node 20.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const LAST = process.env.POSITION_FILE ?? "stream.position";

// The events of a stream of text, each an object of its fields.
async function* events(pieces) {
  let rest = "";
  for await (const piece of pieces) {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        const [, name, value] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? []; // a comment begins with a colon
        if (name) event[name] = name === "data" && name in event ? `${event[name]}\n${value}` : (value ?? "");
      }
      yield event;
    }
  }
}

async function follow() {
  const types = process.env.TYPES ?? "new_message,task_update";
  const headers = { Authorization: `Bearer ${process.env.STEWARD_KEY}`, Accept: "text/event-stream" };
  if (existsSync(LAST)) headers["Last-Event-ID"] = readFileSync(LAST, "utf8");
  const stream = await fetch(`${process.env.STEWARD_URL}/api/v1/stream?types=${encodeURIComponent(types)}`, { headers });
  if (!stream.ok && ![429, 503].includes(stream.status)) {
    console.error(`${stream.status} ${await stream.text()}`);
    process.exit(1);
  }
  if (!stream.ok) return;
  for await (const event of events(stream.body.pipeThrough(new TextDecoderStream()))) {
    if (event.data) console.log(JSON.stringify({ event: event.event, ...JSON.parse(event.data) }));
    if (event.id) writeFileSync(LAST, event.id); // heartbeats name a position too
  }
}

for (;;) {
  await follow().catch((lost) => console.error(`${lost}; again in a second`));
  await pause(1000);
}

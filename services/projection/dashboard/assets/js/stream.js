// One live stream per browser: the tab that holds the lock reads it, and passes on to the others what it says.
const KINDS = ["task_update", "new_message", "artifact_stream", "terminal_log", "system_notification"];
const RETRY = 3000;
const ASLEEP = 5 * 60 * 1000;

export function follow({ from, changed, again, line }) {
  const channel = new BroadcastChannel("steward-stream");
  let reading = null, last = from, state = "", gone = false;
  let seen = Date.now();

  function say(next) {
    if (state === next) return;
    const before = state;
    state = next;
    line(next, next);
    // What happened while nobody listened is read by the same way as everything else. Where the stream is refused, that reading
    // tells whether the key is still in force.
    if (next === "live" && before || next === "away") again(last);
  }
  function take(data) {
    seen = Date.now();
    last = Math.max(last, data.position || 0);
    changed(data);
  }
  function open() {
    if (gone) return;
    const source = new EventSource("/api/v1/stream?after=" + last);
    reading = source;
    source.onopen = () => { say("live"); channel.postMessage({ state: "live", last }); };
    for (const kind of KINDS) {
      source.addEventListener(kind, event => {
        const data = JSON.parse(event.data);
        take(data);
        channel.postMessage({ data });
      });
    }
    source.onerror = () => {
      const next = source.readyState === EventSource.CLOSED ? "away" : "again";
      say(next);
      channel.postMessage({ state: next });
      if (next === "away") {
        source.close();
        setTimeout(open, RETRY);
      }
    };
  }
  channel.onmessage = ({ data: said }) => {
    if (said.hello && reading) channel.postMessage({ state, last });
    if (reading) return;
    if (said.state) say(said.state);
    if (said.data) take(said.data);
  };
  channel.postMessage({ hello: true });
  let letGo = () => {};
  const held = () => new Promise(release => { letGo = release; open(); });
  if (navigator.locks) navigator.locks.request("steward-stream", held);
  else open();
  // A page that is left may live on unseen: it must not keep the lock, and starts anew when it is shown again.
  addEventListener("pagehide", () => { gone = true; reading?.close(); letGo(); });
  addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && Date.now() - seen > ASLEEP) {
      seen = Date.now();
      again(last);
    }
  });
  addEventListener("online", () => again(last));
}

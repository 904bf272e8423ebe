// The work that every peer gets, and how it tells what came of it: one JSON object on a line for each case, with how many
// milliseconds after its time each job began.

/** `{ timers: { pending, rate, count }, bursts: [count…], store }`, as the bench passes it. */
export const work = JSON.parse(process.argv[2]);

const settled = new Map();

/** Called by the peer's handler as soon as a job begins. */
export function began(of, due) {
  const watched = settled.get(of);
  if (!watched) return;
  watched.lateness.push(Date.now() - due);
  if (watched.lateness.length === watched.count) watched.done();
}

/** Resolves when `count` jobs of the case have begun. */
function watch(of, count, limit) {
  return new Promise((resolve, reject) => {
    const lateness = [];
    const timer = setTimeout(() => reject(new Error(`${lateness.length} of ${count} began in time`)), limit);
    settled.set(of, { count, lateness, done: () => { clearTimeout(timer); resolve(lateness); } });
  });
}

function tell(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Plays the work; `schedule(jobs)` takes `[{ of, due }…]` and resolves when all of them are kept. */
export async function play(schedule) {
  const { pending, rate, count } = work.timers;
  const far = Date.now() + 30 * 86_400_000;
  await schedule(Array.from({ length: pending }, (_, n) => ({ of: "waiting", due: far + n })));
  const first = Date.now() + 6_000;
  const timers = watch("timers", count, 60_000 + (count / rate) * 1_000);
  await schedule(Array.from({ length: count }, (_, n) => ({ of: "timers", due: first + Math.round((n * 1_000) / rate) })));
  tell({ case: "timers", lateness: await timers });
  for (const burst of work.bursts) {
    const of = `burst ${burst}`;
    const due = Date.now() + 4_000 + burst * 2;
    const all = watch(of, burst, 300_000);
    await schedule(Array.from({ length: burst }, () => ({ of, due })));
    tell({ case: "burst", count: burst, lateness: await all });
  }
}

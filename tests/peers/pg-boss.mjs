import PgBoss from "pg-boss";
import { began, play, work } from "./work.mjs";

const boss = new PgBoss(work.store);
await boss.start();
await boss.createQueue("write");
// Half a second is the shortest time between two looks that it allows.
await boss.work("write", { batchSize: 1_000, pollingIntervalSeconds: 0.5 }, async (jobs) => {
  for (const job of jobs) began(job.data.of, job.data.due);
});
await play(async (jobs) => {
  for (let from = 0; from < jobs.length; from += 5_000) {
    const some = jobs.slice(from, from + 5_000);
    await boss.insert(some.map((job) => ({ name: "write", data: job, startAfter: new Date(job.due) })));
  }
});
await boss.stop({ graceful: false });
process.exit(0);

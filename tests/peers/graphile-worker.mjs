import { makeWorkerUtils, run } from "graphile-worker";
import { began, play, work } from "./work.mjs";

const utils = await makeWorkerUtils({ connectionString: work.store });
await utils.migrate();
const runner = await run({
  connectionString: work.store,
  noHandleSignals: true,
  taskList: { write: (payload) => began(payload.of, payload.due) },
  preset: {
    worker: { concurrentJobs: 24, pollInterval: 100, maxPoolSize: 30, localQueue: { size: 500 } },
  },
});
await play(async (jobs) => {
  for (let from = 0; from < jobs.length; from += 5_000) {
    const specs = jobs.slice(from, from + 5_000);
    await utils.addJobs(specs.map((job) => ({ identifier: "write", payload: job, runAt: new Date(job.due) })));
  }
});
await runner.stop();
process.exit(0);

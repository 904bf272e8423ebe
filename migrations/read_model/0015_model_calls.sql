-- Calls of models: one row when a call is begun, and one for each that came of it, with tokens and micro-USD.
-- state: asked, answered, failed, skipped (not made after all). A row never changes.
CREATE TABLE model_calls (
    tenant          text    NOT NULL,
    run_id          text    NOT NULL,
    call_id         text    NOT NULL,
    conversation_id text    NOT NULL,
    job             text    NOT NULL,
    provider        text    NOT NULL,
    model           text    NOT NULL,
    state           text    NOT NULL,
    code            text    NOT NULL,
    input           bigint  NOT NULL,
    input_cached    bigint  NOT NULL,
    output          bigint  NOT NULL,
    micro_usd       bigint  NOT NULL,
    priced          boolean NOT NULL,
    at              timestamptz NOT NULL,
    position        bigint  NOT NULL
);

-- indexes
CREATE INDEX model_calls_by_time ON model_calls (tenant, at);
CREATE INDEX model_calls_of_run ON model_calls (tenant, (md5(run_id)::uuid));

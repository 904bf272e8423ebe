-- What became of events on their way to outgoing webhooks: one row per event and webhook, as of the latest attempt.
-- position: the event's own; changed_position: the outcome's.
CREATE TABLE webhook_deliveries (
    tenant           text    NOT NULL,
    webhook_id       text    NOT NULL,
    id               text    NOT NULL,
    event_id         text    NOT NULL,
    event_type       text    NOT NULL,
    state            text    NOT NULL,
    attempts         integer NOT NULL,
    status           integer NOT NULL,
    reason           jsonb,
    answer           text    NOT NULL,
    took_ms          integer NOT NULL,
    at               timestamptz NOT NULL,
    next_at          timestamptz,
    position         bigint  NOT NULL,
    changed_position bigint  NOT NULL,
    PRIMARY KEY (tenant, webhook_id, id)
);

-- indexes
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, position DESC);

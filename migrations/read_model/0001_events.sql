-- The log itself, one row per event. The subject is ev.{tenant}.{aggregate}.{aggregate_id}.{type in snake_case}.
CREATE TABLE events (
    position       bigint      PRIMARY KEY,
    tenant         text        NOT NULL,
    aggregate      text        NOT NULL,
    aggregate_id   text        NOT NULL,
    type_name      text        NOT NULL,
    schema_version integer     NOT NULL,
    at             timestamptz NOT NULL,
    actor          text        NOT NULL,
    event_id       uuid        NOT NULL,
    causation_id   uuid        NOT NULL,
    correlation_id uuid        NOT NULL,
    traceparent    text        NOT NULL,
    payload        bytea       NOT NULL
);

-- indexes
CREATE INDEX events_aggregate ON events (aggregate_id, position);
CREATE INDEX events_type ON events (type_name, position);

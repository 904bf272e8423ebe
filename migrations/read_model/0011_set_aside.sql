-- Events that could not be projected, each with what Postgres or the fold said: what they would have changed is missing from
-- the rows of their aggregate. A rebuild tries them again.
CREATE TABLE set_aside (
    position     bigint      PRIMARY KEY,
    tenant       text        NOT NULL,
    aggregate    text        NOT NULL,
    aggregate_id text        NOT NULL,
    type_name    text        NOT NULL,
    error        text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now()
);

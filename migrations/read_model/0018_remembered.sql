-- What is remembered of contacts: one row for each goal, milestone and fact, also those that ended.
-- state: of a goal open, achieved, abandoned; of a milestone active, resolved, dismissed; of a fact known, retired.
CREATE TABLE remembered (
    tenant           text    NOT NULL,
    id               text    NOT NULL,
    contact_id       text    NOT NULL,
    kind             text    NOT NULL,
    state            text    NOT NULL,
    text             text    NOT NULL,
    goal_id          text,
    due_at           timestamptz,
    happened_at      timestamptz,
    progress         integer NOT NULL,
    confidence       integer NOT NULL,
    evidence         jsonb   NOT NULL,
    set_by           text    NOT NULL,
    ended_by         text,
    reason           jsonb,
    replaces         text,
    instead          text,
    created_at       timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    created_position bigint  NOT NULL,
    position         bigint  NOT NULL
);

-- indexes
CREATE UNIQUE INDEX remembered_key ON remembered (tenant, (md5(id)::uuid));
CREATE INDEX remembered_of_contact ON remembered (tenant, (md5(contact_id)::uuid), kind);
CREATE INDEX remembered_by_time ON remembered (tenant, kind, created_position DESC);

-- Promises. state 'due' is shown as pending. position: the event that made it; changed_position: its last change.
CREATE TABLE follow_ups (
    tenant           text    NOT NULL,
    id               text    NOT NULL,
    conversation_id  text    NOT NULL,
    state            text    NOT NULL,
    reason           jsonb,
    due_at           timestamptz NOT NULL,
    timezone         text    NOT NULL,
    phrase           text    NOT NULL,
    rule             text    NOT NULL,
    intention        text    NOT NULL,
    text             text    NOT NULL,
    cancel_on        text    NOT NULL,
    action           jsonb   NOT NULL,
    scheduled_reason text    NOT NULL,
    key              text    NOT NULL,
    renews           text    NOT NULL,
    renewed_by       text    NOT NULL,
    asked_by         text    NOT NULL,
    language         text    NOT NULL,
    context          text    NOT NULL,
    by               text    NOT NULL,
    turn_id          text    NOT NULL,
    message_id       text,
    result           text    NOT NULL,
    created_at       timestamptz NOT NULL,
    decided_at       timestamptz,
    sent_at          timestamptz,
    position         bigint  NOT NULL,
    changed_position bigint  NOT NULL,
    PRIMARY KEY (tenant, conversation_id, id)
);

-- indexes
CREATE INDEX follow_ups_newest ON follow_ups (tenant, position DESC);
CREATE INDEX follow_ups_conversation ON follow_ups (conversation_id, position DESC);
CREATE INDEX follow_ups_open ON follow_ups (conversation_id) WHERE state IN ('pending', 'due');

-- Messages in and out; the outbox is those that go out. position: the event that made it; changed_position: its last change.
CREATE TABLE messages (
    tenant             text    NOT NULL,
    id                 text    NOT NULL,
    conversation_id    text    NOT NULL,
    direction          text    NOT NULL,
    author             text    NOT NULL,
    author_id          text    NOT NULL,
    kind               text    NOT NULL,
    text               text    NOT NULL,
    full_text          text    NOT NULL,
    external_id        text    NOT NULL,
    reply_to           text    NOT NULL,
    media              jsonb,
    state              text    NOT NULL,
    reason             jsonb,
    at                 timestamptz NOT NULL,
    due_at             timestamptz,
    sent_at            timestamptz,
    delivered_at       timestamptz,
    read_at            timestamptz,
    follow_up_id       text    NOT NULL,
    turn_id            text    NOT NULL,
    on_reply           text    NOT NULL,
    key                text    NOT NULL,
    proactive          boolean NOT NULL,
    parts              integer NOT NULL,
    part               integer NOT NULL,
    attempts           integer NOT NULL,
    claim_id           text    NOT NULL,
    cancel_after_claim jsonb,
    position           bigint  NOT NULL,
    changed_position   bigint  NOT NULL,
    PRIMARY KEY (tenant, conversation_id, id)
);

-- indexes
CREATE INDEX messages_newest ON messages (conversation_id, position DESC);
CREATE INDEX messages_outbox ON messages (tenant, position DESC) WHERE direction = 'out';
CREATE INDEX messages_open ON messages (conversation_id) WHERE state IN ('queued', 'held', 'deferred', 'claimed');

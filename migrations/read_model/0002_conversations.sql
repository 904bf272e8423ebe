-- One row per conversation. position: its last event; created_position: its first.
CREATE TABLE conversations (
    tenant             text    NOT NULL,
    id                 text    NOT NULL,
    channel_id         text,
    channel            text    NOT NULL,
    external_id        text    NOT NULL,
    is_group           boolean NOT NULL,
    title              text    NOT NULL,
    contact_id         text    NOT NULL,
    person_id          text    NOT NULL,
    person_name        text    NOT NULL,
    person_username    text    NOT NULL,
    person_language    text    NOT NULL,
    person_timezone    text    NOT NULL,
    takeover_by        text,
    takeover_via       text,
    takeover_since     timestamptz,
    takeover_active_at timestamptz,
    blocked            boolean NOT NULL,
    last_message_at    timestamptz,
    pending_follow_ups integer NOT NULL,
    created_at         timestamptz NOT NULL,
    created_position   bigint  NOT NULL,
    position           bigint  NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- indexes
CREATE INDEX conversations_newest ON conversations (tenant, created_position DESC);
CREATE INDEX conversations_outside ON conversations (tenant, channel_id, external_id);
CREATE INDEX conversations_contact ON conversations (tenant, contact_id);

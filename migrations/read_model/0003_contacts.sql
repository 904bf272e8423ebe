-- One row per contact: what the channel says of them (said_*) and what was set here (set_*), which wins.
CREATE TABLE contacts (
    tenant           text    NOT NULL,
    id               text    NOT NULL,
    channel_id       text    NOT NULL,
    external_id      text    NOT NULL,
    username         text    NOT NULL,
    said_name        text    NOT NULL,
    said_language    text    NOT NULL,
    said_timezone    text    NOT NULL,
    set_name         text,
    set_language     text,
    set_timezone     text,
    followup_hour    integer,
    archived         boolean NOT NULL,
    created_position bigint  NOT NULL,
    position         bigint  NOT NULL,
    PRIMARY KEY (tenant, id)
);

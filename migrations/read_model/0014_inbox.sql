-- What an inbox goes by, as positions: the client asked for a person, a person of ours had the conversation in hand, its latest
-- message. Who asked before this file is known after `steward rebuild`.
ALTER TABLE conversations ADD COLUMN asked_position bigint NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN attended_position bigint NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN latest_position bigint NOT NULL DEFAULT 0;
UPDATE conversations AS c SET latest_position = coalesce(
    (SELECT max(m.position) FROM messages AS m
     WHERE m.tenant = c.tenant AND md5(m.conversation_id)::uuid = md5(c.id)::uuid AND m.conversation_id = c.id),
    c.created_position);

-- indexes
CREATE INDEX conversations_latest ON conversations (tenant, latest_position DESC);
CREATE INDEX conversations_asked ON conversations (tenant) WHERE asked_position > 0;
CREATE INDEX conversations_human ON conversations (tenant) WHERE takeover_since IS NOT NULL;
CREATE INDEX messages_attention ON messages (tenant, (md5(conversation_id)::uuid)) WHERE state IN ('held', 'failed', 'unknown');
CREATE INDEX follow_ups_due ON follow_ups (tenant, due_at, position) WHERE state IN ('pending', 'due');

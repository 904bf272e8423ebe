-- What providers report of messages finds them by the provider's ids, one per part; the service window counts from last_client_at.
ALTER TABLE messages ADD COLUMN provider_ids jsonb NOT NULL DEFAULT '[]';
ALTER TABLE conversations ADD COLUMN last_client_at timestamptz;
-- By the provider's clock: its latest word that the recipient can't be reached, and that they can.
ALTER TABLE conversations ADD COLUMN unreachable_at timestamptz;
ALTER TABLE conversations ADD COLUMN reachable_at timestamptz;

-- indexes
CREATE INDEX messages_external ON messages (conversation_id, external_id) WHERE on_reply <> '' AND external_id <> '';
CREATE INDEX messages_in_parts ON messages (conversation_id) WHERE parts > 1;

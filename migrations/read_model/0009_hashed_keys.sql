-- A btree takes no value of more than 2,704 bytes, and what stands in a text column may be anybody's: keys and indexes hold
-- its md5 instead, and every query compares the hash first and then the value. All indexes but those of `events` are made
-- anew here, so a rebuild makes none of the earlier ones.
ALTER TABLE conversations DROP CONSTRAINT conversations_pkey;
ALTER TABLE contacts DROP CONSTRAINT contacts_pkey;
ALTER TABLE messages DROP CONSTRAINT messages_pkey;
ALTER TABLE follow_ups DROP CONSTRAINT follow_ups_pkey;
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_pkey;
CREATE UNIQUE INDEX conversations_key ON conversations (tenant, (md5(id)::uuid));
CREATE UNIQUE INDEX contacts_key ON contacts (tenant, (md5(id)::uuid));
CREATE UNIQUE INDEX messages_key ON messages (tenant, (md5(conversation_id)::uuid), (md5(id)::uuid));
CREATE UNIQUE INDEX follow_ups_key ON follow_ups (tenant, (md5(conversation_id)::uuid), (md5(id)::uuid));
CREATE UNIQUE INDEX webhook_deliveries_key ON webhook_deliveries (tenant, (md5(webhook_id)::uuid), (md5(id)::uuid));

-- indexes
DROP INDEX IF EXISTS conversations_newest, conversations_outside, conversations_contact, contacts_merged,
    messages_newest, messages_outbox, messages_open, messages_external, messages_in_parts,
    follow_ups_newest, follow_ups_conversation, follow_ups_open, webhook_deliveries_newest;
CREATE INDEX conversations_newest ON conversations (tenant, created_position DESC);
CREATE INDEX conversations_outside ON conversations (tenant, (md5(external_id)::uuid));
CREATE INDEX conversations_contact ON conversations (tenant, (md5(contact_id)::uuid));
CREATE INDEX contacts_merged ON contacts (tenant, (md5(merged_into)::uuid)) WHERE merged_into IS NOT NULL;
-- A tenant's list must not go through the others' rows.
CREATE INDEX messages_newest ON messages (tenant, position DESC);
CREATE INDEX messages_conversation ON messages ((md5(conversation_id)::uuid), position DESC);
CREATE INDEX messages_open ON messages ((md5(conversation_id)::uuid)) WHERE state IN ('queued', 'held', 'deferred', 'claimed');
CREATE INDEX messages_external ON messages ((md5(conversation_id)::uuid), (md5(external_id)::uuid))
    WHERE on_reply <> '' AND external_id <> '';
CREATE INDEX messages_in_parts ON messages ((md5(conversation_id)::uuid)) WHERE parts > 1;
CREATE INDEX follow_ups_newest ON follow_ups (tenant, position DESC);
CREATE INDEX follow_ups_conversation ON follow_ups ((md5(conversation_id)::uuid), position DESC);
CREATE INDEX follow_ups_open ON follow_ups ((md5(conversation_id)::uuid)) WHERE state IN ('pending', 'due');
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries ((md5(webhook_id)::uuid), position DESC);

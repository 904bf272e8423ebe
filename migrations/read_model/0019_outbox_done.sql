-- What is done in the outbox, by what changed last.
CREATE INDEX messages_done ON messages (tenant, changed_position DESC)
    WHERE direction = 'out' AND on_reply <> '' AND state IN ('sent', 'delivered', 'read', 'cancelled', 'expired');

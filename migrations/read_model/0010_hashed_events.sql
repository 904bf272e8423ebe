-- The same for the events; their lists go by tenant, too. The runner also empties the secrets of the rows that are there.

-- indexes
DROP INDEX IF EXISTS events_aggregate, events_type;
CREATE INDEX events_tenant ON events (tenant, position);
CREATE INDEX events_aggregate ON events ((md5(aggregate_id)::uuid), position);
CREATE INDEX events_type ON events (tenant, (md5(type_name)::uuid), position);

-- What the client said last, as far as their next message may be a part of it: the fold goes on from rows, and by this it decides
-- whether a message cancels promises.
ALTER TABLE conversations ADD COLUMN speech text NOT NULL DEFAULT '';

-- What a promise is about, in the client's own words, and which message asked for it.
ALTER TABLE follow_ups ADD COLUMN topic text NOT NULL DEFAULT '';
ALTER TABLE follow_ups ADD COLUMN asked_in text NOT NULL DEFAULT '';

-- Which carriers a delivery was handed to and what they said (JSON; empty for none),
-- whether another one is to be asked, and what a receipt that does not have our name
-- for the message finds it by.
ALTER TABLE deliveries ADD COLUMN handovers text NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN onward bigint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN found_by text NOT NULL DEFAULT '';

DROP INDEX outbox;
CREATE INDEX outbox ON deliveries (due_at) WHERE (state = 'queued' OR onward = 1);
CREATE INDEX deliveries_found ON deliveries (found_by) WHERE found_by <> '';

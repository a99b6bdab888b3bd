-- When a verification may be deleted. Those made before this release get the
-- default retention of 30 days; 0 is never.
ALTER TABLE verifications ADD COLUMN purge_at INTEGER NOT NULL DEFAULT 0;
UPDATE verifications SET purge_at = expires_at + 2592000000;

-- The keys that rows stand under, each with a mark that only the key itself can
-- make: a start with the wrong key file, or without an old key that is still
-- needed, is refused.
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    mark       BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- People's visits to the pages on behalf of applications. What they are to be (details) and
-- how far they are (progress) is JSON that only the core reads. They are deleted an hour
-- after their time is over, so that the table stays small.
CREATE TABLE sessions (
    id           BLOB PRIMARY KEY,
    tenant       TEXT NOT NULL,
    profile      BLOB NOT NULL,
    key_id       TEXT NOT NULL,
    details      TEXT NOT NULL,
    progress     TEXT NOT NULL,
    status       TEXT NOT NULL,
    address      BLOB,
    browser      BLOB NOT NULL,
    verification BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    verified_at  INTEGER NOT NULL,
    redeemed_at  INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE INDEX sessions_by_end ON sessions (expires_at);

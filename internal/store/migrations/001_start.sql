-- Instants are Unix milliseconds. Keys are 16 bytes and the tables are stored by
-- key (WITHOUT ROWID), so that a row is one entry of one tree. Ids of version 7
-- make verifications and deliveries append.

CREATE TABLE profiles (
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    id         BLOB NOT NULL UNIQUE,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE subjects (
    key        BLOB PRIMARY KEY,
    key_id     TEXT NOT NULL,
    live       BLOB NOT NULL,
    streak     INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    day        INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE verifications (
    id          BLOB PRIMARY KEY,
    tenant      TEXT NOT NULL,
    profile     BLOB NOT NULL,
    subject     BLOB NOT NULL,
    purpose     TEXT NOT NULL,
    channel     TEXT NOT NULL,
    address     BLOB NOT NULL,
    key_id      TEXT NOT NULL,
    alphabet    TEXT NOT NULL,
    length      INTEGER NOT NULL,
    custom_code BLOB,
    template    TEXT NOT NULL,
    app_name    TEXT NOT NULL,
    status      TEXT NOT NULL,
    guesses     INTEGER NOT NULL,
    sends       INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE deliveries (
    verification BLOB NOT NULL,
    number       INTEGER NOT NULL,
    channel      TEXT NOT NULL,
    state        TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    node         TEXT NOT NULL,
    due_at       INTEGER NOT NULL,
    carrier      TEXT NOT NULL,
    carrier_id   TEXT NOT NULL,
    class        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (verification, number)
) WITHOUT ROWID, STRICT;

-- The outbox: only what is not yet sent, so the index stays small.
CREATE INDEX outbox ON deliveries (due_at) WHERE state = 'queued';

CREATE TABLE buckets (
    key   BLOB PRIMARY KEY,
    state INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE replays (
    key          BLOB PRIMARY KEY,
    fingerprint  BLOB NOT NULL,
    verification BLOB NOT NULL,
    outcome      TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Old answers are forgotten by their age; without it each look reads all of them.
CREATE INDEX replays_by_age ON replays (created_at);

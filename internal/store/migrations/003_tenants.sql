-- The verification of the same address that came before, and what a message says
-- besides its code (JSON; empty for nothing).
ALTER TABLE verifications ADD COLUMN previous BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE verifications ADD COLUMN details TEXT NOT NULL DEFAULT '';
-- A tenant's own, the newest last: whoever lists them must not read through everybody's.
CREATE INDEX verifications_by_tenant ON verifications (tenant, id);

-- What a tenant has set up: profiles, API keys, templates, rate limits, … They are
-- read often and change rarely, and no command decides on them under lock, so that
-- all kinds are one table. The body is JSON. The name is unique within the kind, the
-- tenant and the parent; an empty one is no name.
CREATE TABLE records (
    kind       TEXT NOT NULL,
    id         BLOB NOT NULL,
    tenant     TEXT NOT NULL,
    parent     BLOB NOT NULL,
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;

CREATE UNIQUE INDEX records_by_name ON records (kind, tenant, parent, name) WHERE name <> '';
CREATE INDEX records_by_tenant ON records (kind, tenant, parent, id);
-- A record goes with those whose parent it is, of whatever kind.
CREATE INDEX records_by_parent ON records (parent);

-- What tenants' webhooks are to be told. What is told lies in the verification.
CREATE TABLE events (
    id           BLOB PRIMARY KEY,
    tenant       TEXT NOT NULL,
    profile      BLOB NOT NULL,
    verification BLOB NOT NULL,
    number       INTEGER NOT NULL,
    type         TEXT NOT NULL,
    state        TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    node         TEXT NOT NULL,
    due_at       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE INDEX events_due ON events (due_at) WHERE state = 'queued';

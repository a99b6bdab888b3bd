-- The verification of the same address that came before, and what a message says
-- besides its code (JSON; empty for nothing).
ALTER TABLE verifications ADD COLUMN previous bytea NOT NULL DEFAULT '\x00000000000000000000000000000000';
ALTER TABLE verifications ADD COLUMN details text NOT NULL DEFAULT '';
-- A tenant's own, the newest last: whoever lists them must not read through everybody's.
CREATE INDEX verifications_by_tenant ON verifications (tenant, id);

-- What a tenant has set up: profiles, API keys, templates, rate limits, … They are
-- read often and change rarely, and no command decides on them under lock, so that
-- all kinds are one table. The body is JSON. The name is unique within the kind, the
-- tenant and the parent; an empty one is no name.
CREATE TABLE records (
    kind       text NOT NULL,
    id         bytea NOT NULL,
    tenant     text NOT NULL,
    parent     bytea NOT NULL,
    name       text NOT NULL,
    body       text NOT NULL,
    version    bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE UNIQUE INDEX records_by_name ON records (kind, tenant, parent, name) WHERE name <> '';
CREATE INDEX records_by_tenant ON records (kind, tenant, parent, id);
-- A record goes with those whose parent it is, of whatever kind.
CREATE INDEX records_by_parent ON records (parent);

-- What tenants' webhooks are to be told. What is told lies in the verification.
CREATE TABLE events (
    id           bytea PRIMARY KEY,
    tenant       text NOT NULL,
    profile      bytea NOT NULL,
    verification bytea NOT NULL,
    number       bigint NOT NULL,
    type         text NOT NULL,
    state        text NOT NULL,
    attempt      bigint NOT NULL,
    node         text NOT NULL,
    due_at       bigint NOT NULL,
    created_at   bigint NOT NULL,
    updated_at   bigint NOT NULL
);

CREATE INDEX events_due ON events (due_at) WHERE state = 'queued';

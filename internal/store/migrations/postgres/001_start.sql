-- The tables and columns of the SQLite schema. Instants are Unix milliseconds,
-- keys are 16 bytes.
--
-- Rows that are changed leave room in their page (fillfactor), so that the new
-- version lies beside the old one and no index is touched (HOT).

CREATE TABLE profiles (
    tenant     text NOT NULL,
    name       text NOT NULL,
    id         bytea NOT NULL UNIQUE,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE subjects (
    key        bytea PRIMARY KEY,
    key_id     text NOT NULL,
    live       bytea NOT NULL,
    streak     bigint NOT NULL,
    hour       bigint NOT NULL,
    day        bigint NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE verifications (
    id          bytea PRIMARY KEY,
    tenant      text NOT NULL,
    profile     bytea NOT NULL,
    subject     bytea NOT NULL,
    purpose     text NOT NULL,
    channel     text NOT NULL,
    address     bytea NOT NULL,
    key_id      text NOT NULL,
    alphabet    text NOT NULL,
    length      bigint NOT NULL,
    custom_code bytea,
    template    text NOT NULL,
    app_name    text NOT NULL,
    status      text NOT NULL,
    guesses     bigint NOT NULL,
    sends       bigint NOT NULL,
    sent_at     bigint NOT NULL,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL,
    updated_at  bigint NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE deliveries (
    verification bytea NOT NULL,
    number       bigint NOT NULL,
    channel      text NOT NULL,
    state        text NOT NULL,
    attempt      bigint NOT NULL,
    node         text NOT NULL,
    due_at       bigint NOT NULL,
    carrier      text NOT NULL,
    carrier_id   text NOT NULL,
    class        text NOT NULL,
    created_at   bigint NOT NULL,
    updated_at   bigint NOT NULL,
    PRIMARY KEY (verification, number)
) WITH (fillfactor = 80);

-- The outbox: only what is not yet sent. Every delivery passes through it, so
-- vacuum comes early: the dead entries of what was sent lie at the very end
-- where the search for due deliveries begins.
CREATE INDEX outbox ON deliveries (due_at) WHERE state = 'queued';
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02);

-- Buckets are few and change with every command, so most of a page is room.
CREATE TABLE buckets (
    key   bytea PRIMARY KEY,
    state bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE replays (
    key          bytea PRIMARY KEY,
    fingerprint  bytea NOT NULL,
    verification bytea NOT NULL,
    outcome      text NOT NULL,
    created_at   bigint NOT NULL
) WITH (fillfactor = 90);

-- Old replays are found by age. New ones go to the right edge, which is cheap.
CREATE INDEX replays_age ON replays (created_at);

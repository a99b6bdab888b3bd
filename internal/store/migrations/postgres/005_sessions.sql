-- People's visits to the pages on behalf of applications. What they are to be (details) and
-- how far they are (progress) is JSON that only the core reads. They are deleted an hour
-- after their time is over, so that the table stays small.
CREATE TABLE sessions (
    id           bytea PRIMARY KEY,
    tenant       text NOT NULL,
    profile      bytea NOT NULL,
    key_id       text NOT NULL,
    details      text NOT NULL,
    progress     text NOT NULL,
    status       text NOT NULL,
    address      bytea,
    browser      bytea NOT NULL,
    verification bytea NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    verified_at  bigint NOT NULL,
    redeemed_at  bigint NOT NULL,
    updated_at   bigint NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

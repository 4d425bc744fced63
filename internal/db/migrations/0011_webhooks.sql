-- 0012: webhooks, and what became of what they were sent. Additive.

-- events is a JSON list of names, empty for all. secrets is sealed. stopped says why the
-- server itself switched the webhook off, '' when it did not. failing_since is the first
-- failure since the last success.
CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    pool_id       TEXT NOT NULL REFERENCES pools(id),
    name          TEXT NOT NULL,
    url           TEXT NOT NULL,
    events        TEXT NOT NULL,
    contacts      BOOLEAN NOT NULL,
    enabled       BOOLEAN NOT NULL,
    stopped       TEXT NOT NULL,
    failing_since BIGINT,
    secrets       BYTEA NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX webhooks_by_pool ON webhooks (pool_id, created_at, id);

-- event_id is what the receiver tells repetitions by. next_at is when a try that failed is
-- repeated; NULL while a job has it and when nothing more is tried. There is no personal
-- data in here: the profile is read when it is sent.
CREATE TABLE webhook_deliveries (
    id          TEXT PRIMARY KEY,
    webhook_id  TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
    event_id    TEXT NOT NULL,
    type        TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    user_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    BIGINT NOT NULL,
    next_at     BIGINT,
    tried_at    BIGINT,
    status      BIGINT NOT NULL,
    latency     BIGINT NOT NULL,
    answer      TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_by_hook ON webhook_deliveries (webhook_id, created_at, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- 0007: who may administer the installation, and the audit trail as a chain. Additive.

-- The one row serialises what must not race: making the first operator, and taking the
-- last owner away. bootstrap is the hash of the one-time token that makes the first.
CREATE TABLE operator_guard (
    id              BIGINT PRIMARY KEY,
    changes         BIGINT NOT NULL,
    bootstrap       BYTEA,
    bootstrap_until BIGINT NOT NULL
);
INSERT INTO operator_guard (id, changes, bootstrap_until) VALUES (1, 0, 0);

-- name_key is the name without case. pools is a JSON list of the pools the operator may
-- see, or NULL for all. totp is sealed; totp_fresh is an authenticator that was shown and
-- not yet proven. totp_step is the last time step whose code was taken.
CREATE TABLE operators (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    pools       TEXT,
    password    TEXT NOT NULL,
    totp        BYTEA,
    totp_fresh  BYTEA,
    totp_step   BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    seen_at     BIGINT
);

-- Codes for whoever lost the authenticator, each good once.
CREATE TABLE operator_recovery (
    operator_id TEXT NOT NULL REFERENCES operators(id) ON DELETE CASCADE,
    hash        BYTEA NOT NULL,
    used_at     BIGINT,
    PRIMARY KEY (operator_id, hash)
);

-- hash is that of the cookie. factor_at is when the second factor was shown, NULL before;
-- sudo_until ends the time in which sensitive things may be done.
CREATE TABLE operator_sessions (
    id          TEXT PRIMARY KEY,
    hash        BYTEA NOT NULL UNIQUE,
    operator_id TEXT NOT NULL REFERENCES operators(id) ON DELETE CASCADE,
    factor_at   BIGINT,
    sudo_until  BIGINT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_by_expiry ON operator_sessions (expires_at);

-- API keys. scopes, pools and addresses are JSON lists; NULL pools are all, no addresses
-- are any. used_at is coarse.
CREATE TABLE operator_keys (
    id         TEXT PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    pools      TEXT,
    addresses  TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    used_ip    TEXT NOT NULL,
    revoked_at BIGINT
);

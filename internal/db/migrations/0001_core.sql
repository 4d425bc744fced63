-- 0001: pools, applications, people, sessions, codes, tokens, counters, jobs, audit.
-- One text for SQLite and PostgreSQL: times are Unix milliseconds in BIGINT, JSON is
-- opaque TEXT, secrets are sealed BYTEA.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE pools (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE apps (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    name       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX apps_by_pool ON apps (pool_id);

-- Public halves of the keys a customer's server signs custom sign-in tickets with.
CREATE TABLE ticket_keys (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX ticket_keys_by_pool ON ticket_keys (pool_id);

-- purpose is 'sign' (tokens) or 'transport' (encrypted passwords on the wire).
CREATE TABLE signing_keys (
    id           TEXT PRIMARY KEY,
    pool_id      TEXT NOT NULL REFERENCES pools(id),
    purpose      TEXT NOT NULL,
    alg          TEXT NOT NULL,
    public_key   TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retires_at   BIGINT
);
CREATE INDEX signing_keys_by_pool ON signing_keys (pool_id, purpose, activates_at);

-- kind is 'regular', 'anonymous' or 'custom'; status 'active', 'pending' or 'blocked'.
-- username_key and email are the canonical forms uniqueness is decided by; phone is E.164.
CREATE TABLE users (
    id                  TEXT PRIMARY KEY,
    pool_id             TEXT NOT NULL REFERENCES pools(id),
    kind                TEXT NOT NULL,
    status              TEXT NOT NULL,
    username            TEXT,
    username_key        TEXT,
    phone               TEXT,
    email               TEXT,
    phone_verified      BOOLEAN NOT NULL,
    email_verified      BOOLEAN NOT NULL,
    password_hash       TEXT NOT NULL,
    password_changed_at BIGINT,
    must_reset          BOOLEAN NOT NULL,
    name                TEXT NOT NULL,
    picture             TEXT NOT NULL,
    gender              TEXT NOT NULL,
    locale              TEXT NOT NULL,
    birthdate           TEXT NOT NULL,
    zoneinfo            TEXT NOT NULL,
    description         TEXT NOT NULL,
    custom              TEXT NOT NULL,
    created_from        TEXT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    last_sign_in_at     BIGINT
);
CREATE UNIQUE INDEX users_by_username ON users (pool_id, username_key) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX users_by_phone ON users (pool_id, phone) WHERE phone IS NOT NULL;
CREATE UNIQUE INDEX users_by_email ON users (pool_id, email) WHERE email IS NOT NULL;
CREATE INDEX users_by_creation ON users (pool_id, created_at, id);

CREATE TABLE identities (
    pool_id    TEXT NOT NULL,
    provider   TEXT NOT NULL,
    subject    TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    profile    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, provider, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- A refresh token is (id, generation, seed, MAC over them), so rotation is one guarded
-- UPDATE and the same retired token always leads to the same successor. The seed column
-- holds a hash. access_life is in milliseconds, 0 for the pool's.
CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    pool_id     TEXT NOT NULL,
    user_id     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    client_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    amr         TEXT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    seed        BYTEA NOT NULL,
    generation  BIGINT NOT NULL,
    rotated_at  BIGINT NOT NULL,
    auth_at     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    idle_until  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT,
    revoked_why TEXT NOT NULL,
    provider_type TEXT NOT NULL,
    access_life   BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE codes (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    channel    TEXT NOT NULL,
    target     TEXT NOT NULL,
    usage      TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    mac        BYTEA NOT NULL,
    tries      BIGINT NOT NULL,
    max_tries  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX codes_by_target ON codes (pool_id, target, usage, created_at);
CREATE INDEX codes_by_expiry ON codes (expires_at);

-- Opaque internal tokens: verification, sudo, captcha, device and others. hash is SHA-256.
CREATE TABLE tickets (
    hash       BYTEA PRIMARY KEY,
    class      TEXT NOT NULL,
    pool_id    TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    session_id TEXT NOT NULL,
    binding    TEXT NOT NULL,
    uses_left  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_user ON tickets (user_id, class);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

CREATE TABLE device_grants (
    device_hash BYTEA PRIMARY KEY,
    user_hash   BYTEA NOT NULL UNIQUE,
    pool_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    polled_at   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX device_grants_by_expiry ON device_grants (expires_at);

CREATE TABLE counters (
    key        TEXT NOT NULL,
    rule       TEXT NOT NULL,
    count      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key, rule)
);
CREATE INDEX counters_by_expiry ON counters (expires_at);

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    sealed      BYTEA NOT NULL,
    attempts    BIGINT NOT NULL,
    run_at      BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    last_error  TEXT NOT NULL,
    dead_at     BIGINT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX jobs_by_turn ON jobs (run_at, id) WHERE dead_at IS NULL;

CREATE TABLE audit (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    action     TEXT NOT NULL,
    result     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    actor      TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    session_id TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail     TEXT NOT NULL
);
CREATE INDEX audit_by_user ON audit (pool_id, user_id, at, id);
CREATE INDEX audit_by_time ON audit (pool_id, at, id);

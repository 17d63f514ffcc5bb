-- The read models, but for the tables of facts, which facts.rs declares. SCHEMA.md explains every
-- table and column; a test compares the two.
-- Integers only: amounts are minor units, times are microseconds since 1970, flags are 0 or 1.

CREATE TABLE checkpoint (
    singleton   INTEGER PRIMARY KEY CHECK (singleton = 1),
    position    INTEGER NOT NULL,
    event_id    TEXT,
    recorded_at INTEGER
) STRICT;

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    order_id    TEXT,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    description TEXT,
    actor       TEXT NOT NULL,
    origin      TEXT NOT NULL,
    effective_date TEXT
) STRICT;

CREATE TABLE event_counts (
    kind   TEXT PRIMARY KEY,
    events INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions_by_time (
    recorded_at INTEGER PRIMARY KEY,
    position    INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id               INTEGER PRIMARY KEY,
    path             TEXT NOT NULL,
    unit             TEXT NOT NULL,
    type             TEXT NOT NULL,
    balance_limit    TEXT NOT NULL,
    code             TEXT NOT NULL,
    name             TEXT NOT NULL,
    opened_position  INTEGER NOT NULL,
    debits_posted    INTEGER NOT NULL,
    credits_posted   INTEGER NOT NULL,
    debits_pending   INTEGER NOT NULL,
    credits_pending  INTEGER NOT NULL,
    posted_position  INTEGER NOT NULL,
    pending_position INTEGER NOT NULL,
    control          INTEGER
) STRICT;
CREATE UNIQUE INDEX accounts_by_path ON accounts (path, unit);
CREATE INDEX accounts_by_type ON accounts (type, path, unit) WHERE control IS NULL;
CREATE INDEX accounts_by_unit ON accounts (unit, type, path) WHERE control IS NULL;
CREATE INDEX accounts_by_control ON accounts (control, path) WHERE control IS NOT NULL;

CREATE TABLE account_groups (
    id              INTEGER PRIMARY KEY,
    path            TEXT NOT NULL,
    unit            TEXT NOT NULL,
    type            TEXT NOT NULL,
    code            TEXT NOT NULL,
    name            TEXT NOT NULL,
    opened_position INTEGER NOT NULL,
    debits          INTEGER NOT NULL,
    debits_carry    INTEGER NOT NULL,
    credits         INTEGER NOT NULL,
    credits_carry   INTEGER NOT NULL,
    accounts        INTEGER NOT NULL,
    last_path       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_groups_by_unit ON account_groups (unit, path, type);

CREATE TABLE account_group_history (
    group_id      INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    debits        INTEGER NOT NULL,
    debits_carry  INTEGER NOT NULL,
    credits       INTEGER NOT NULL,
    credits_carry INTEGER NOT NULL,
    accounts      INTEGER NOT NULL,
    last_path     TEXT NOT NULL,
    PRIMARY KEY (group_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE balance_checkpoints (
    position INTEGER PRIMARY KEY,
    accounts INTEGER NOT NULL
) STRICT;

CREATE TABLE account_carries (
    account_id INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    carried    TEXT NOT NULL,
    PRIMARY KEY (account_id, position, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_limits (
    account_id   INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    limit_before TEXT NOT NULL,
    limit_after  TEXT NOT NULL,
    PRIMARY KEY (account_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE postings (
    position      INTEGER NOT NULL,
    ordinal       INTEGER NOT NULL,
    account_id    INTEGER NOT NULL,
    side          TEXT NOT NULL,
    amount        INTEGER NOT NULL,
    debits_after  INTEGER NOT NULL,
    credits_after INTEGER NOT NULL,
    PRIMARY KEY (position, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_postings (
    account_id INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    PRIMARY KEY (account_id, position, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_history (
    account_id      INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    debits_pending  INTEGER NOT NULL,
    credits_pending INTEGER NOT NULL,
    PRIMARY KEY (account_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    id       TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL,
    postings INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    reverses TEXT,
    reversal TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_position ON entries (position, ordinal);
CREATE INDEX entries_by_reverses ON entries (reverses, position) WHERE reverses IS NOT NULL;

CREATE TABLE holds (
    id             TEXT PRIMARY KEY,
    status         TEXT NOT NULL,
    expires_at     INTEGER,
    description    TEXT,
    metadata       TEXT NOT NULL,
    position       INTEGER NOT NULL,
    ended_position INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE hold_postings (
    hold_id    TEXT NOT NULL,
    ordinal    INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    side       TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    PRIMARY KEY (hold_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    position        INTEGER PRIMARY KEY,
    id              TEXT NOT NULL,
    channel         TEXT NOT NULL,
    location        TEXT,
    currency        TEXT NOT NULL,
    status          TEXT NOT NULL,
    total           INTEGER NOT NULL,
    due             INTEGER NOT NULL,
    authorised      INTEGER NOT NULL,
    paid            INTEGER NOT NULL,
    refunded        INTEGER NOT NULL,
    overpaid        INTEGER NOT NULL,
    disputed        INTEGER NOT NULL,
    charged_back    INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    fulfilled       INTEGER NOT NULL,
    cancelled       INTEGER NOT NULL,
    offline         INTEGER NOT NULL,
    lines           TEXT NOT NULL,
    metadata        TEXT NOT NULL,
    occurred_at     INTEGER NOT NULL,
    recorded_at     INTEGER NOT NULL,
    last_position   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_by_id ON orders (id);
CREATE INDEX orders_by_channel ON orders (channel, position);

CREATE TABLE order_blocks (
    channel        TEXT NOT NULL,
    seller         TEXT NOT NULL,
    status         TEXT NOT NULL,
    level          INTEGER NOT NULL,
    block          INTEGER NOT NULL,
    from_position  INTEGER NOT NULL,
    until_position INTEGER NOT NULL,
    orders         INTEGER NOT NULL,
    PRIMARY KEY (channel, seller, status, level, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_splits (
    order_id       TEXT NOT NULL,
    ordinal        INTEGER NOT NULL,
    role           TEXT NOT NULL,
    seller         TEXT,
    share          INTEGER NOT NULL,
    earned         INTEGER NOT NULL,
    returned       INTEGER NOT NULL,
    order_position INTEGER NOT NULL,
    PRIMARY KEY (order_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_splits_by_seller ON order_splits (seller, order_position) WHERE seller IS NOT NULL;

CREATE TABLE order_events (
    order_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    standing TEXT,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_counts (
    channel TEXT NOT NULL,
    status  TEXT NOT NULL,
    orders  INTEGER NOT NULL,
    PRIMARY KEY (channel, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE seller_history (
    seller   TEXT NOT NULL,
    unit     TEXT NOT NULL,
    position INTEGER NOT NULL,
    paid     INTEGER NOT NULL,
    reversed INTEGER NOT NULL,
    PRIMARY KEY (seller, unit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
    position          INTEGER PRIMARY KEY,
    id                TEXT NOT NULL,
    kind              TEXT NOT NULL,
    account           TEXT,
    api_version       TEXT,
    created           INTEGER,
    livemode          INTEGER NOT NULL,
    reason            TEXT NOT NULL,
    detail            TEXT,
    body              TEXT,
    resolved_position INTEGER
) STRICT;
CREATE INDEX notifications_by_id ON notifications (id);
CREATE INDEX notifications_unresolved ON notifications (position) WHERE resolved_position IS NULL;

CREATE VIEW stock AS
SELECT
    substr(path, 7, instr(substr(path, 7), ':') - 1) AS location,
    substr(unit, 5) AS sku,
    sum(iif(path GLOB '*:available', debits_posted - credits_posted - credits_pending, 0)) AS available,
    sum(iif(path GLOB '*:reserved', debits_posted - credits_posted, 0)) AS reserved,
    sum(iif(path GLOB '*:shortage', credits_posted - debits_posted, 0)) AS short
FROM accounts
WHERE path >= 'stock:' AND path < 'stock;'
  AND unit >= 'sku:' AND unit < 'sku;'
  AND length(path) - length(replace(path, ':', '')) = 2
  AND (path GLOB '*:available' OR path GLOB '*:reserved' OR path GLOB '*:shortage')
GROUP BY location, sku;

-- A double-entry ledger in PostgreSQL as one would write it by hand: accounts with their sums, entries with
-- unique ids, postings that can be found by entry and by account, limits as constraints, and
-- functions so that a transfer is one round trip.

DROP SCHEMA IF EXISTS tillroll_bench CASCADE;
CREATE SCHEMA tillroll_bench;
SET search_path = tillroll_bench;

CREATE TABLE accounts (
    id      integer PRIMARY KEY,
    name    text    NOT NULL,
    debits  bigint  NOT NULL DEFAULT 0,
    credits bigint  NOT NULL DEFAULT 0,
    limited boolean NOT NULL DEFAULT true,
    CONSTRAINT debits_must_not_exceed_credits CHECK (NOT limited OR debits <= credits)
) WITH (fillfactor = 50); -- room for new versions of a row in the same page

CREATE TABLE entries (
    id        uuid PRIMARY KEY,
    posted_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE postings (
    entry   uuid    NOT NULL,
    account integer NOT NULL,
    debit   boolean NOT NULL,
    amount  bigint  NOT NULL CHECK (amount > 0)
);
CREATE INDEX postings_by_entry ON postings (entry);
CREATE INDEX postings_by_account ON postings (account);

CREATE SEQUENCE entry_ids CACHE 1000;

-- Each id above the one before.
CREATE FUNCTION increasing_id() RETURNS uuid LANGUAGE sql VOLATILE AS
    $$ SELECT lpad(to_hex(nextval('tillroll_bench.entry_ids')), 32, '0')::uuid $$;

CREATE FUNCTION post_transfer(p_id uuid, p_debit integer, p_credit integer, p_amount bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries (id) VALUES (p_id);
    INSERT INTO postings VALUES (p_id, p_debit, true, p_amount), (p_id, p_credit, false, p_amount);
    -- Accounts are locked in the order of their numbers, so transactions never wait in a circle.
    IF p_debit < p_credit THEN
        UPDATE accounts SET debits = debits + p_amount WHERE id = p_debit;
        UPDATE accounts SET credits = credits + p_amount WHERE id = p_credit;
    ELSE
        UPDATE accounts SET credits = credits + p_amount WHERE id = p_credit;
        UPDATE accounts SET debits = debits + p_amount WHERE id = p_debit;
    END IF;
END $$;

-- All or nothing. The limit is checked on the sums of the batch, not after each transfer.
CREATE FUNCTION post_transfers(p_ids uuid[], p_debits integer[], p_credits integer[], p_amounts bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries (id) SELECT unnest(p_ids);
    INSERT INTO postings
        SELECT id, account, true, amount FROM unnest(p_ids, p_debits, p_amounts) AS t (id, account, amount)
        UNION ALL
        SELECT id, account, false, amount FROM unnest(p_ids, p_credits, p_amounts) AS t (id, account, amount);
    PERFORM 1 FROM accounts WHERE id = ANY (p_debits || p_credits) ORDER BY id FOR UPDATE;
    UPDATE accounts
        SET debits = accounts.debits + sums.debits, credits = accounts.credits + sums.credits
        FROM (
            SELECT account, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits
            FROM (
                SELECT account, amount AS debit, 0 AS credit FROM unnest(p_debits, p_amounts) AS t (account, amount)
                UNION ALL
                SELECT account, 0, amount FROM unnest(p_credits, p_amounts) AS t (account, amount)
            ) AS legs
            GROUP BY account
        ) AS sums
        WHERE accounts.id = sums.account;
END $$;

-- Every account starts with so much that no limit is ever reached.
INSERT INTO accounts (id, name, credits)
    SELECT number, 'wallet:' || lpad(number::text, 7, '0'), 1::bigint << 40
    FROM generate_series(1, :accounts) AS number;
VACUUM ANALYZE accounts;
CHECKPOINT;

//! Accounts, postings, entries, holds, limits, balances: the double-entry core

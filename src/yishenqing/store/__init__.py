"""The ledger on disk: tables, transactions, entries, the side store, deadlines and issued letters."""

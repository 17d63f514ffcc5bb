"""Checks a pack of evidence without Tillroll. It needs Python 3.8 and nothing else.

    python3 check.py [--key KEY] [DIRECTORY]

The directory of the pack is the one that this file lies in, if none is named. KEY is the merchant's
verifier key, as you had it in another way than with the pack.

The files in proofs/ are the evidence: each holds a record, as the book stores it, and the hashes
that lead from it to a signed checkpoint. This program checks signatures and hashes, reads the
records, writes every other file anew from what they say, and compares the bytes. What differs is
named: file, row, field, what is said there and what the record says. It prints one line for each
and ends with exit code 1; without any it ends with 0.

The parts: what records look like, reading them, what of them is shown, signatures, comparing,
and the check itself, from which it is best read.
"""

import base64
import binascii
import collections
import csv
import hashlib
import json
import pathlib
import re
import sys

README_SHA256 = "7facc19da185dd038d5647dfe2f99e98508aa57157040c63fe8db202217e8dd7"
FORMAT = 1


class Wrong(Exception):
    """Why something is not as it should be."""


# --- What records look like -----------------------------------------------------------------------
#
# A record is the number of its kind (2 bytes, little endian), the version of its payload, the
# version of its envelope, and two items of CBOR (RFC 8949): the envelope and the payload. Both are
# maps from numbers of fields to values.

# The kind's number, its name, and the type of its payload in each version, from 1 on.
KINDS = {
    1: ("account.opened", ["AccountOpened"]),
    2: ("account.limit_set", ["AccountLimitSet"]),
    10: ("entry.posted", ["EntryPostedV1", "EntryPosted"]),
    11: ("hold.placed", ["HoldPlaced"]),
    12: ("hold.captured", ["HoldCaptured"]),
    13: ("hold.ended", ["HoldEnded"]),
    14: ("bulk.closed", ["BulkClosed"]),
    15: ("entries.posted", ["EntriesPosted"]),
    16: ("entry.reversed", ["EntryReversed"]),
    17: ("clock.confirmed", ["ClockConfirmed"]),
    20: ("stock.received", ["StockReceived"]),
    30: ("order.placed", ["OrderPlaced"]),
    31: ("order.booked", ["OrderBooked"]),
    32: ("order.fulfilled", ["OrderBooked"]),
    33: ("order.cancelled", ["OrderBooked"]),
    40: ("notification.received", ["NotificationReceived"]),
    41: ("intent.observed", ["IntentObserved"]),
    42: ("charge.observed", ["ChargeObserved"]),
    43: ("refund.observed", ["RefundObserved"]),
    44: ("dispute.observed", ["DisputeObserved"]),
    45: ("transfer.observed", ["TransferObserved"]),
    46: ("payout.observed", ["PayoutObserved"]),
    47: ("balance_transaction.booked", ["BalanceTransactionBooked"]),
    48: ("seller.balance_adjusted", ["SellerBalanceAdjusted"]),
    49: ("application_fee.observed", ["ApplicationFeeObserved"]),
}

# Fields: number, name, type. `?` may be left out, `*` is a list, `%` a map with texts as keys.
TYPES = {
    "EnvelopeV0": "0 id evt, 1 recorded time, 2 occurred time, 3 order ord?, 4 command CommandV0?",
    "Envelope": "0 id evt, 1 recorded time, 2 occurred time, 3 order ord?, 4 command Command?, "
    "5 actor actor, 6 origin origin",
    "CommandV0": "0 key text, 1 fingerprint bytes, 2 events uint",
    "Command": "0 key text, 1 fingerprint bytes, 2 events uint, 3 scope scope",
    "AccountOpened": "0 account uint, 1 path text, 2 unit text, 3 type AccountType, 4 limit Limit, "
    "5 code text, 6 name text",
    "AccountLimitSet": "0 account uint, 1 limit Limit",
    "EntryPostedV1": "0 id ent, 1 entry entry, 2 description text?, 3 metadata text%, "
    "4 reverses ent?",
    "EntryPosted": "0 id ent, 1 entry entry, 2 description text?, 3 metadata text%, "
    "4 reverses ent?, 5 effective_date date?",
    "EntryReversed": "0 id ent, 1 entry entry, 2 description text?, 3 metadata text%, 4 reverses ent, "
    "5 effective_date date?, 6 reverses_position uint, 7 left entry?",
    "ClockConfirmed": "0 last_recorded_at time, 1 wrong_from uint?",
    "HoldPlaced": "0 id hld, 1 entry entry, 2 expires_at time?, 3 description text?, "
    "4 metadata text%",
    "HoldCaptured": "0 id hld, 1 entry entry",
    "HoldEnded": "0 id hld, 1 how HoldEnd",
    "BulkClosed": "0 accepted uint, 1 refused RefusedItem*",
    "RefusedItem": "0 index uint, 1 code text, 2 detail text, 3 param text?",
    "EntriesPosted": "0 entries entries",
    "StockReceived": "0 location text, 1 lines StockLine*, 2 reference text?, 3 entry entry",
    "StockLine": "0 sku text, 1 quantity uint",
    "OrderPlaced": "0 order ord, 1 channel text, 2 location text?, 3 currency text, "
    "4 lines OrderLine*, 5 metadata text%, 6 offline bool, 7 standing OrderStanding, 8 entry entry?",
    "OrderLine": "0 sku text?, 1 description text?, 2 quantity uint, 3 unit_price uint, "
    "4 tax_rate_ppm uint, 5 tax_included bool, 6 tax uint, 7 total uint, 8 seller text?, "
    "9 commission_rate_ppm uint, 10 commission uint, 11 short uint",
    "OrderBooked": "0 order ord, 1 standing OrderStanding, 2 entry entry?",
    "OrderStanding": "0 status OrderStatus, 1 total uint, 2 due uint, 3 authorised uint, "
    "4 paid uint, 5 refunded uint, 6 overpaid uint, 7 disputed uint, 8 charged_back uint, "
    "9 failed_attempts uint, 10 fulfilled bool, 11 cancelled bool, 12 splits OrderSplit*",
    "OrderSplit": "0 role SplitRole, 1 seller text?, 2 share uint, 3 earned uint, 4 returned uint",
    "NotificationReceived": "0 id text, 1 kind text, 2 account text?, 3 api_version text?, "
    "4 created time?, 5 livemode bool, 6 unrecognised text?, 7 detail text?, 8 body text?",
    "IntentObserved": "0 facts IntentFacts",
    "IntentFacts": "0 id text, 1 order ord?, 2 currency text, 3 amount uint, 4 capturable uint, "
    "5 received uint, 6 status IntentStatus",
    "ChargeObserved": "0 facts ChargeFacts",
    "ChargeFacts": "0 id text, 1 intent text?, 2 order ord?, 3 currency text, 4 amount uint, "
    "5 authorised bool, 6 captured uint, 7 refunded uint, 8 failed bool, 9 expired bool, "
    "10 failure_code text?",
    "RefundObserved": "0 facts RefundFacts",
    "RefundFacts": "0 id text, 1 charge text?, 2 intent text?, 3 currency text, 4 amount uint, "
    "5 status RefundStatus",
    "DisputeObserved": "0 facts DisputeFacts, 1 entry entry?",
    "DisputeFacts": "0 id text, 1 charge text?, 2 intent text?, 3 currency text, 4 amount uint, "
    "5 status DisputeStatus, 6 reason text?",
    "TransferObserved": "0 facts TransferFacts, 1 entry entry?",
    "TransferFacts": "0 id text, 1 seller text, 2 currency text, 3 amount uint, 4 reversed uint, "
    "5 source_charge text?, 6 group text?",
    "PayoutObserved": "0 facts PayoutFacts, 1 entry entry?",
    "PayoutFacts": "0 id text, 1 account text?, 2 currency text, 3 amount uint, "
    "4 status PayoutStatus, 5 arrival time?",
    "BalanceTransactionBooked": "0 facts BalanceTransactionFacts, 1 order ord?, 2 entry entry?",
    "BalanceTransactionFacts": "0 id text, 1 account text?, 2 kind text, 3 category text, "
    "4 currency text, 5 amount int, 6 fee int, 7 net int, 8 source text?, 9 fees FeeDetail*, "
    "10 created time?, 11 available_on time?",
    "FeeDetail": "0 kind text, 1 amount int",
    "SellerBalanceAdjusted": "0 seller text, 1 currency text, 2 owed uint, 3 entry entry",
    "ApplicationFeeObserved": "0 facts ApplicationFeeFacts",
    "ApplicationFeeFacts": "0 id text, 1 account text?, 2 charge text?, "
    "3 originating_transaction text?, 4 currency text, 5 amount uint, 6 refunded uint, "
    "7 balance_transaction text?, 8 refunds ApplicationFeeRefund%",
    "ApplicationFeeRefund": "0 amount uint, 1 balance_transaction text?",
}

# Words that are stored as numbers: the first number, and the words from there on.
WORDS = {
    "AccountType": (1, "asset liability equity income expense memorandum"),
    "Limit": (0, "none debits_must_not_exceed_credits credits_must_not_exceed_debits"),
    "HoldEnd": (1, "voided expired"),
    "OrderStatus": (
        1,
        "placed authorised partially_paid paid fulfilled partially_refunded refunded disputed "
        "charged_back cancelled",
    ),
    "SplitRole": (1, "sales commission seller tax"),
    "IntentStatus": (1, "open processing requires_capture cancelled succeeded"),
    "RefundStatus": (1, "pending succeeded failed"),
    "DisputeStatus": (1, "warning warning_closed needs_response under_review won lost"),
    "PayoutStatus": (1, "pending in_transit paid cancelled failed"),
    "Side": (1, "debit credit"),
}

# Who asked: the number, the word, and what CloudEvents call it. From 10 on an id belongs to it.
ACTORS = {
    0: ("unknown", "unknown"),
    1: ("anonymous", "unauthenticated"),
    2: ("system", "system"),
    3: ("stripe", "service_account"),
    10: ("api_key", "api_key"),
    11: ("person", "user"),
    12: ("device", "service_account"),
    13: ("seller", "app_user"),
}
ORIGINS = ["unknown", "api", "cli", "console", "stripe", "system"]

# Decimal places of a currency, where they are not two (ISO 4217). Other units have none.
EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "
    "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

# Which fields of an event name a thing of the payment processor, an entry or a hold.
LINKS = {
    "intent.observed": "id",
    "charge.observed": "id intent",
    "refund.observed": "id charge intent",
    "dispute.observed": "id charge intent",
    "transfer.observed": "id source_charge",
    "payout.observed": "id",
    "balance_transaction.booked": "id source",
    "application_fee.observed": "id charge originating_transaction balance_transaction",
    "entry.posted": "id reverses",
    "entry.reversed": "id reverses",
    "hold.placed": "id",
    "hold.captured": "id",
    "hold.ended": "id",
}


# --- Reading records ------------------------------------------------------------------------------


def cbor(data, at=0):
    """The item of CBOR at an offset, and where it ends. Records have no other items than these."""

    def take(size):
        if at + size > len(data):
            raise Wrong("the record is cut short")
        return data[at : at + size]

    first, at = take(1)[0], at + 1
    major, value = first >> 5, first & 31
    if 24 <= value < 28:
        size = 1 << (value - 24)
        value, at = int.from_bytes(take(size), "big"), at + size
    elif value >= 28:
        raise Wrong("the record has an item of no fixed length")
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        item, at = take(value), at + value
        return (item if major == 2 else item.decode("utf-8")), at
    if major == 4:
        items = []
        for _ in range(value):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(value):
            key, at = cbor(data, at)
            if not isinstance(key, (int, str)):
                raise Wrong("the record has a map with other keys than numbers and texts")
            pairs[key], at = cbor(data, at)
        return pairs, at
    if major == 7 and first in (0xF4, 0xF5, 0xF6):
        return {0xF4: False, 0xF5: True, 0xF6: None}[first], at
    raise Wrong("the record has an item that no record has")


def typed(value, kind):
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Wrong(f"a value of the record is no {kind.__name__}")
    return value


def identifier(prefix, number):
    """128 bits in 26 digits of Crockford's base 32."""
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return prefix + "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))


def day(days):
    """The day of the calendar that is so many days after 1970-01-01."""
    era, of_era = divmod(days + 719468, 146097)  # from 1 March of the year 0, by 400 years
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    date = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += 400 * era + (month <= 2)
    return f"{year:04d}-{month:02d}-{date:02d}" if year >= 0 else f"-{-year:06d}-{month:02d}-{date:02d}"


def moment(micros):
    """Microseconds since 1970-01-01T00:00:00Z, as RFC 3339 has them."""
    if not -377705023201000000 <= micros < 253402207201000000:
        return f"{micros}us"
    seconds, micros = divmod(micros, 1000000)
    days, seconds = divmod(seconds, 86400)
    fraction = f".{micros:06d}".rstrip("0") if micros else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{day(days)}T{clock}{fraction}Z"


Posting = collections.namedtuple("Posting", "account unit side amount")


def balanced(postings):
    """An entry, if it is one: in every unit, debits equal credits."""
    sums = collections.Counter()
    for posting in postings:
        sums[posting.unit] += posting.amount if word("Side", posting.side) == "debit" else -posting.amount
    if not postings or any(sums.values()):
        raise Wrong("an entry of the record does not balance")
    return postings


def entry(items):
    """Four numbers for each posting."""
    items = [typed(item, int) for item in typed(items, list)]
    if len(items) % 4:
        raise Wrong("an entry of the record is cut short")
    return balanced([Posting(*items[at : at + 4]) for at in range(0, len(items), 4)])


def entries(data):
    """Bulk entries, in a fixed layout with little endian numbers: an id of 16 bytes, then either

    0x80 in the fourth byte: unit (2), side of the first posting (1), 0x80; the accounts of both
    postings (4 each), the amount of both (8); or
    the number of postings (4), and for each account (4), unit (2), side (1), zero (1), amount (8).
    """
    data, at, found = typed(data, bytes), 0, []

    def number(size):
        nonlocal at
        if at + size > len(data):
            raise Wrong("a bulk entry of the record is cut short")
        at += size
        return int.from_bytes(data[at - size : at], "little")

    while at < len(data):
        name = identifier("ent_", number(16))
        if data[at + 3 : at + 4] == b"\x80":
            unit, side, _ = number(2), number(1), number(1)
            accounts, amount = (number(4), number(4)), number(8)
            sides = (side, 3 - side)
            postings = [Posting(a, unit, s, amount) for a, s in zip(accounts, sides)]
        else:
            postings = []
            for _ in range(number(4)):
                account, unit, side, zero, amount = (number(size) for size in (4, 2, 1, 1, 8))
                if zero:
                    raise Wrong("a bulk entry of the record has a byte that is not zero")
                postings.append(Posting(account, unit, side, amount))
        found.append((name, balanced(postings)))
    return found


def word(kind, number):
    first, words = WORDS[kind]
    words = words.split()
    if not first <= typed(number, int) < first + len(words):
        raise Wrong(f"the record has an unknown {kind}: {number}")
    return words[number - first]


def actor(value):
    alone = (1 if value is None else value, None)
    number, name = value if isinstance(value, list) and len(value) == 2 else alone
    if typed(number, int) not in ACTORS or (number >= 10) != (name is not None):
        raise Wrong("the record names no known actor")
    word, cloud = ACTORS[number]
    shown = None if number < 2 else word if name is None else f"{word}:{typed(name, str)}"
    return cloud, shown


def origin(value):
    if isinstance(value, str):
        return value
    number = 1 if value is None else typed(value, int)
    if not 0 <= number < len(ORIGINS):
        raise Wrong("the record names no known origin")
    return ORIGINS[number]


PLAIN = {
    "text": lambda value: typed(value, str),
    "uint": lambda value: typed(value, int),
    "int": lambda value: typed(value, int),
    "bool": lambda value: typed(value, bool),
    "bytes": lambda value: typed(value, bytes),
    "time": lambda value: moment(typed(value, int)),
    "date": lambda value: day(typed(value, int)),
    "evt": lambda value: identifier("evt_", int.from_bytes(typed(value, bytes), "big")),
    "ord": lambda value: identifier("ord_", int.from_bytes(typed(value, bytes), "big")),
    "ent": lambda value: identifier("ent_", int.from_bytes(typed(value, bytes), "big")),
    "hld": lambda value: identifier("hld_", int.from_bytes(typed(value, bytes), "big")),
    "entry": entry,
    "entries": entries,
    "actor": actor,
    "origin": origin,
    "scope": lambda value: value,
}


def value_of(kind, value):
    """A value of a type, as the tables above have it."""
    if kind.endswith("?"):
        return None if value is None else value_of(kind[:-1], value)
    if kind.endswith("*"):
        return [value_of(kind[:-1], item) for item in typed(value, list)]
    if kind.endswith("%"):
        return {typed(key, str): value_of(kind[:-1], item) for key, item in typed(value, dict).items()}
    if kind in WORDS:
        return word(kind, value)
    if kind in PLAIN:
        return PLAIN[kind](value)
    fields = [field.split() for field in TYPES[kind].split(", ")]
    unknown = set(typed(value, dict)) - {int(number) for number, _, _ in fields}
    if unknown:
        raise Wrong(f"{kind} of the record has a field that this program does not know: {min(unknown)}")
    return {name: value_of(of, value.get(int(number))) for number, name, of in fields}


class Record:
    """A record that is proved, and what it says."""

    def __init__(self, position, data):
        if len(data) < 4:
            raise Wrong("the record is cut short")
        number, version, envelope = data[0] + 256 * data[1], data[2], data[3]
        if number not in KINDS or not 1 <= version <= len(KINDS[number][1]) or envelope > 1:
            raise Wrong(f"this program does not know version {version} of kind {number}")
        self.position = position
        self.kind, versions = KINDS[number]
        self.version = len(versions)
        self.envelope, at = cbor(data, 4)
        payload, end = cbor(data, at)
        if end != len(data):
            raise Wrong("bytes follow the end of the record")
        self.envelope = value_of("Envelope" if envelope else "EnvelopeV0", self.envelope)
        if envelope == 0:
            self.envelope.update(actor=actor(0), origin=origin(0))
        self.data = value_of(versions[version - 1], payload)
        # What older versions did not say.
        for field in TYPES[versions[-1]].split(", "):
            self.data.setdefault(field.split()[1], None)

    def order(self):
        facts = self.data.get("facts", {})
        return self.envelope["order"] or self.data.get("order") or facts.get("order")

    def entries(self):
        """What it does to accounts: pending or posted, and the postings."""
        if self.data.get("entry"):
            yield ("pending" if self.kind == "hold.placed" else "posted"), self.data["entry"]
        for _, postings in self.data.get("entries", []):
            yield "posted", postings

    def ids(self):
        """The things that it names, its own id first."""
        facts = self.data.get("facts", self.data)
        names = [facts[field] for field in LINKS.get(self.kind, "").split()]
        if self.kind == "application_fee.observed":
            for refund in sorted(facts["refunds"]):
                names += [refund, facts["refunds"][refund]["balance_transaction"]]
        return [name for name in names if name is not None]

    def file(self):
        return f"proofs/{self.position:020d}-{self.kind}.tlog-proof"


# --- What is shown of them ------------------------------------------------------------------------


class Pack:
    """The records of a pack by position, and the files that follow from them."""

    def __init__(self, order, records):
        self.order, self.records = order, records
        self.accounts = {
            record.data["account"]: record for record in records if record.kind == "account.opened"
        }
        self.why = self.reasons()

    def numbers(self):
        """Numbers of the accounts that entries name."""
        postings = [p for r in self.records for _, entry in r.entries() for p in entry]
        postings += [p for r in self.records for p in r.data.get("left") or []]
        return sorted({posting.account for posting in postings})

    def name(self, account):
        opened = self.accounts.get(account)
        return (opened.data["path"], opened.data["unit"]) if opened else (f"#{account}", "")

    def reasons(self):
        """Why each record is in the pack: a word, and by what."""
        why, known, prefix = {}, set(), f"order:{self.order}:"
        for record in self.records:
            facts = record.data.get("facts", {})
            moved = [self.name(p.account)[0] for _, entry in record.entries() for p in entry]
            moved = [path for path in moved if path.startswith(prefix)]
            if self.order in (record.order(), facts.get("group")):
                why[record.position] = ("order", self.order)
            elif moved:
                why[record.position] = ("account", moved[0])
        added = [record for record in self.records if record.position in why]
        while added:
            # What names another order as its own leads nowhere else.
            known.update(n for r in added if r.order() in (None, self.order) for n in r.ids())
            added = []
            for record in self.records:
                shared = [name for name in record.ids() if name in known]
                if record.position not in why and shared:
                    why[record.position] = ("link", shared[0])
                    added.append(record)
        # The first record of a command says which it was; and what moved a seller's debt with it.
        linked = sorted(why)
        for first in self.records:
            command = first.envelope["command"]
            run = range(first.position, first.position + (command["events"] if command else 0))
            by = next((position for position in linked if position in run), None)
            if by is None:
                continue
            of_run = [record for record in self.records if record.position in run]
            debts = [record for record in of_run if record.kind == "seller.balance_adjusted"]
            if debts or first.kind == "notification.received":
                for record in [first] + debts:
                    why.setdefault(record.position, ("command", str(by)))
        for number in self.numbers():
            if number in self.accounts and self.accounts[number].position not in why:
                why[self.accounts[number].position] = ("opens", self.accounts[number].data["path"])
        return why

    def missing(self):
        """What the records lack to be a pack."""
        for number in self.numbers():
            if number not in self.accounts:
                yield "entries.csv", f"account {number} is opened by no record of the pack"
        for record in self.records:
            if record.position not in self.why:
                yield record.file(), "nothing links this record to the order"

    def event(self, record, source):
        """As a CloudEvent."""
        cloud, named = record.envelope["actor"]
        event = {
            "specversion": "1.0",
            "id": record.envelope["id"],
            "source": source,
            "type": f"tillroll.{record.kind}",
            "time": record.envelope["occurred"],
            "recordedtime": record.envelope["recorded"],
            "sequence": f"{record.position:020d}",
            "datacontenttype": "application/json",
            "dataschema": f"/schemas/{record.kind}.v{record.version}.json",
            "authtype": cloud,
            "origin": record.envelope["origin"],
            "data": dict(record.data),
        }
        if named:
            event["authid"] = named
        if record.envelope["order"]:
            event["subject"] = event["correlationid"] = record.envelope["order"]
        if record.envelope["command"]:
            event["causationid"] = record.envelope["command"]["key"]
        for name in ("entry", "left"):
            if event["data"].get(name):
                event["data"][name] = self.shown(event["data"][name])
        if "entries" in event["data"]:
            each = event["data"]["entries"]
            event["data"]["entries"] = [dict(self.shown(postings), id=name) for name, postings in each]
        return event

    def shown(self, postings):
        def one(posting):
            path, unit = self.name(posting.account)
            unit = unit or f"#{posting.unit}"
            side = word("Side", posting.side)
            return {"account": path, "unit": unit, "side": side, "amount": posting.amount}

        return {"postings": [one(posting) for posting in postings]}

    def files(self, origin, size, root, keys):
        source = origin.replace("tillroll/", "tillroll:book:", 1)
        events = [self.event(record, source) for record in self.records]
        about = [
            ("format", FORMAT),
            ("order", self.order),
            ("log", origin),
            ("records", size),
            ("root", root),
            ("key", keys[-1].text if keys else ""),
            ("events", len(self.records)),
        ]
        texts = {
            "about.txt": "".join(f"{name:<8}{value}\n" for name, value in about),
            "events.json": json.dumps(events, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
            "entries.csv": self.entries_csv(),
            "accounts.csv": self.accounts_csv(),
            "contents.csv": self.contents_csv(),
        }
        return {name: text.encode("utf-8") for name, text in texts.items()}

    def entries_csv(self):
        lines = [
            "position,event,occurred_at,recorded_at,state,account_number,account,unit,side,amount,"
            "minor_units"
        ]
        for record in self.records:
            times = (record.envelope["occurred"], record.envelope["recorded"])
            for state, postings in record.entries():
                for posting in postings:
                    path, unit = self.name(posting.account)
                    amount = major(posting.amount, unit) if unit else ""
                    side, number = word("Side", posting.side), posting.account
                    head = (record.position, record.kind, *times, state, number)
                    lines.append(line(*head, path, unit, side, amount, posting.amount))
        return "".join(text + "\n" for text in lines)

    def accounts_csv(self):
        lines = ["account_number,account,unit,type,code,name,opened_at_position"]
        for number in self.numbers():
            if number in self.accounts:
                record = self.accounts[number]
                fields = [record.data[name] for name in ("path", "unit", "type", "code", "name")]
                lines.append(line(number, *fields, record.position))
        return "".join(text + "\n" for text in lines)

    def contents_csv(self):
        lines = ["position,event,why,by,names,file"]
        for record in self.records:
            why, by = self.why.get(record.position, ("", ""))
            names = " ".join(record.ids())
            lines.append(line(record.position, record.kind, why, by, names, record.file()))
        return "".join(text + "\n" for text in lines)


def major(minor, unit):
    """Minor units of a currency in major ones: 30091 in EUR is 300.91."""
    places = 2 if re.fullmatch("[A-Z]{3}", unit) else 0
    for exponent, units in EXPONENTS.items():
        places = exponent if unit in units.split() else places
    digits = str(minor).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def line(*cells):
    cells = [str(cell) for cell in cells]
    quoted = ['"' + cell.replace('"', '""') + '"' if re.search('[,"\n\r]', cell) else cell for cell in cells]
    return ",".join(quoted)


# --- Hashes and signatures ------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(record, index, size, path):
    """The root that a record leads to as leaf `index`, from 0, of a tree of `size` (RFC 6962)."""
    if not 0 <= index < size:
        raise Wrong("the tree has no such leaf")
    node, last = sha256(b"\0" + record), size - 1
    for other in path:
        if last == 0:
            raise Wrong("the proof has too many hashes")
        if index % 2 == 1 or index == last:
            node = sha256(b"\1" + other + node)
            # A node at the right edge without a sibling goes up as it is.
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            node = sha256(b"\1" + node + other)
        index, last = index // 2, last // 2
    if last != 0:
        raise Wrong("the proof has too few hashes")
    return node


# Ed25519 (RFC 8032, section 5.1): a point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or (x * x - square) % P or (x == 0 and sign):
        raise Wrong("32 bytes are no point")
    x = x if x % 2 == sign else P - x
    return x, y, 1, x * y % P


def plus(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, p):
    total = (0, 1, 1, 0)
    while number:
        total, p, number = plus(total, p) if number & 1 else total, plus(p, p), number >> 1
    return total


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
ZERO = (0, 1, 1, 0)


def has_signed(public, text, signature):
    """Whether a signature is this key's, of exactly these bytes."""
    try:
        a, r = point(public), point(signature[:32])
    except Wrong:
        return False
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L or same(times(8, a), ZERO) or same(times(8, r), ZERO):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    return same(times(s, BASE), plus(r, times(k, a)))


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("a value is not in base 64")
    if base64.b64encode(data).decode() != text:
        raise Wrong("a value in base 64 has spare bits")
    return data


class Key:
    """A verifier key: <name>+<8 hexadecimal digits>+<base 64 of 0x01 and 32 bytes>."""

    def __init__(self, text):
        self.text, (self.name, number, data) = text, (text + "++").split("+", 2)
        data = unbase64(data[:-2])
        self.public = data[1:]
        if data[:1] != b"\1" or len(self.public) != 32 or same(times(8, point(self.public)), ZERO):
            raise Wrong("it is no Ed25519 key")
        self.id = sha256(self.name.encode() + b"\n" + data)[:4]
        if self.id.hex() != number:
            raise Wrong("its name and bytes belong to another key id")


def signed_text(note, keys):
    """The text of a signed note, and which of the keys have signed it."""
    text, gap, signatures = note.decode("utf-8").rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise Wrong("it is no signed note")
    text, signers = text + "\n", []
    for signature in signatures[:-1].split("\n"):
        found = re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", signature)
        data = unbase64(found.group(2)) if found else b""
        named = [key for key in keys if found and (key.name, key.id) == (found.group(1), data[:4])]
        if not named:
            raise Wrong("it has a signature by another key than those in public-key.txt")
        if not has_signed(named[0].public, text.encode(), data[4:]):
            raise Wrong(f"the signature by {named[0].name}+{named[0].id.hex()} does not match the text")
        signers.append(named[0])
    return text, signers


# --- Comparing ------------------------------------------------------------------------------------


def excerpt(text):
    """A text from outside, so that it cannot play tricks on a terminal."""
    shown = "".join(c if " " <= c <= "~" else f"\\u{{{ord(c):x}}}" for c in text[:200])
    return shown + ("..." if len(text) > 200 else "")


def alike(found, expected, worth):
    """Which of what was found stands for which of what is expected, where they are not equal.

    Pairs of numbers in both lists; None on a side where nothing stands for it. Empty when both have
    the same, in whatever order. `worth` says how much one is like the other, 0 for not at all.
    """
    left = collections.Counter(expected) - collections.Counter(found)
    missing = [at for at, item in enumerate(expected) if left[item] and not left.subtract([item])]
    left = collections.Counter(found) - collections.Counter(expected)
    extra = [at for at, item in enumerate(found) if left[item] and not left.subtract([item])]
    pairs = []
    for at in extra:
        best = max(missing, key=lambda other: worth(at, other), default=None)
        if best is None or worth(at, best) == 0:
            pairs.append((at, None))
        else:
            missing.remove(best)
            pairs.append((at, best))
    return pairs + [(None, at) for at in missing]


def moved(found, expected, pairs):
    """Of what is in both, the first that is not in its place, and where that place is."""
    extra, missing = {at for at, _ in pairs}, {at for _, at in pairs}
    left = [at for at in range(len(found)) if at not in extra]
    right = [at for at in range(len(expected)) if at not in missing]
    for at, place in zip(left, right):
        if found[at] != expected[place]:
            yield at, next(place for place in right if expected[place] == found[at])
            return


def compare_rows(found, expected):
    found, expected = found.split("\n"), expected.split("\n")
    heading = expected[0].split(",")

    def cells(row):
        try:
            return next(csv.reader([row]), [])
        except csv.Error:
            return []

    def worth(at, other):
        a, b = cells(found[at]), cells(expected[other])
        equal = sum(x == y for x, y in zip(a, b))
        if len(a) != len(b) or 2 * equal < len(b):
            return 0
        return 2 * equal + (at == other)

    pairs = alike(found, expected, worth)
    for at, other in pairs:
        if at is None:
            yield f"row {other} is missing: {excerpt(expected[other])}"
        elif other is None:
            yield f"row {at} is what no record says: {excerpt(found[at])}"
        else:
            for name, says, proved in zip(heading, cells(found[at]), cells(expected[other])):
                if says != proved:
                    yield f"row {at}, {name}: it says {excerpt(says)}, and the record says {excerpt(proved)}"
    for at, place in moved(found, expected, pairs):
        yield f"row {at} is what belongs in row {place}"


def differences(says, proved, path):
    """Where two JSON values differ."""
    if isinstance(says, dict) and isinstance(proved, dict):
        for name in sorted(set(says) | set(proved)):
            yield from differences(says.get(name, ...), proved.get(name, ...), f"{path}.{name}")
    elif isinstance(says, list) and isinstance(proved, list):
        for at in range(max(len(says), len(proved))):
            a, b = (says[at : at + 1] or [...])[0], (proved[at : at + 1] or [...])[0]
            yield from differences(a, b, f"{path}[{at}]")
    else:
        says, proved = ("nothing" if v is ... else canonical(v) for v in (says, proved))
        if says != proved:
            yield f"{excerpt(path)}: it says {excerpt(says)}, and the record says {excerpt(proved)}"


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def compare_events(found, expected):
    found, expected = json.loads(found), json.loads(expected)
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        return

    def worth(at, other):
        a, b = found[at], expected[other]
        return (a.get("id") == b["id"]) * 4 + (a.get("sequence") == b["sequence"]) * 2 + (at == other)

    texts = [canonical(event) for event in found], [canonical(event) for event in expected]
    pairs = alike(*texts, worth)
    for at, other in pairs:
        if at is None:
            yield f"the event of position {int(expected[other]['sequence'])} is missing"
        elif other is None:
            yield f"event {at} is what no record says: {excerpt(texts[0][at])}"
        else:
            place = f"event {at} (position {int(expected[other]['sequence'])})"
            for what in differences(found[at], expected[other], ""):
                yield f"{place}, {what[1:]}"
    for at, place in moved(*texts, pairs):
        yield f"event {at} is what belongs in place {place}"


def compare(name, found, expected):
    """How a file differs from what the records make it."""
    if found == expected:
        return []
    try:
        text = found.decode("utf-8")
    except UnicodeDecodeError:
        return ["it is no text"]
    wanted, wrong = expected.decode("utf-8"), []
    if name.endswith(".csv"):
        wrong = list(compare_rows(text, wanted))
    elif name.endswith(".json"):
        try:
            wrong = list(compare_events(text, wanted))
        except (ValueError, RecursionError):
            pass
    if wrong:
        return wrong
    says, proved = text.split("\n"), wanted.split("\n")
    at = next((at for at, (a, b) in enumerate(zip(says, proved)) if a != b), min(len(says), len(proved)))
    says, proved = (excerpt(lines[at]) if at < len(lines) else "nothing" for lines in (says, proved))
    return [f"line {at + 1}: it says {says}, and it should say {proved}"]


# --- The check ------------------------------------------------------------------------------------


def trusted_keys(files, given, say):
    """The keys of the pack: one to a line, each vouched for by the one before."""
    keys = []
    for number, text in enumerate(files.get("public-key.txt", b"").decode("utf-8", "replace").split("\n")):
        try:
            keys += [Key(text)] if text else []
        except Wrong as error:
            say("public-key.txt", f"line {number + 1}: {error}")
    if files.get("public-key.txt") != "".join(key.text + "\n" for key in keys).encode():
        say("public-key.txt", "it is not one key to a line")
    for number, (old, new) in enumerate(zip(keys, keys[1:]), 1):
        name = f"rotations/{number}.note"
        try:
            text, signers = signed_text(files.get(name, b""), [old, new])
            if text != f"tillroll/key-rotation@v1\n{new.text}\n" or {old, new} != set(signers):
                raise Wrong("it does not say that the next key follows this one")
        except (Wrong, UnicodeDecodeError) as error:
            say(name, f"{error}")
    if given and given not in [key.text for key in keys]:
        say("public-key.txt", "the key that was given is not in it")
    return keys


def proved_record(name, data, checkpoint, size, root):
    text = data.decode("utf-8")
    head, _, note = text.partition("\n\n")
    kind, extra, index, *path = head.split("\n") + ["", ""]
    path = path[:-2]
    is_index = re.fullmatch("index (0|[1-9][0-9]*)", index)
    if kind != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or not is_index:
        raise Wrong("it is no inclusion proof")
    if note.encode() != checkpoint:
        raise Wrong("it is by another checkpoint than checkpoint.note")
    record, index = unbase64(extra[6:]), int(index[6:])
    if root_of(record, index, size, [unbase64(hash) for hash in path]) != root:
        raise Wrong("the record in it does not lead to the root of the checkpoint")
    found = Record(index + 1, record)
    if found.file() != name:
        raise Wrong(f"it proves another record: {found.kind} at position {found.position}")
    return found


def check(files, given=None):
    """What is wrong with a pack: (file, what), in order. The files are bytes by name."""
    wrong = []

    def say(file, what):
        wrong.append((excerpt(file), what))

    keys = trusted_keys(files, given, say)
    order = origin = root64 = None
    size, root = 0, b""
    try:
        text, _ = signed_text(files.get("checkpoint.note", b""), keys)
    except (Wrong, UnicodeDecodeError) as error:
        say("checkpoint.note", f"{error}")
        text = files.get("checkpoint.note", b"").decode("utf-8", "replace").partition("\n\n")[0] + "\n"
    stated = re.fullmatch("([^ \n+]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n", text)
    try:
        if not stated:
            raise Wrong("it is no checkpoint")
        origin, size, root64 = stated.group(1), int(stated.group(2)), stated.group(3)
        root = unbase64(root64)
        if any(key.name != origin for key in keys):
            say("checkpoint.note", f"it is of {excerpt(origin)}, and the keys are of another log")
    except Wrong as error:
        say("checkpoint.note", f"{error}")
        return wrong

    # The seal names the order, the checkpoint's size, and the list of files.
    seal, sealed = files.get("seal.note", b""), None
    try:
        text, _ = signed_text(seal, keys)
    except (Wrong, UnicodeDecodeError) as error:
        say("seal.note", f"{error}")
        text = seal.decode("utf-8", "replace").partition("\n\n")[0] + "\n"
    stated = re.fullmatch("tillroll/evidence@v1\n(ord_[0-9a-z]{26})\n([0-9]+)\n([0-9a-f]{64})\n", text)
    if not stated:
        say("seal.note", "it is no seal of evidence")
        return wrong
    order, sealed_size, sealed = stated.groups()
    if int(sealed_size) != size:
        say("seal.note", f"it is by a checkpoint of {sealed_size} records, and checkpoint.note of {size}")

    # The records, and every file that follows from them.
    records = []
    for name in sorted(files):
        if name.startswith("proofs/"):
            try:
                records.append(proved_record(name, files[name], files["checkpoint.note"], size, root))
            except (Wrong, UnicodeDecodeError, RecursionError) as error:
                say(name, f"{error}")
    pack = Pack(order, records)
    wrong += pack.missing()
    for name, expected in sorted(pack.files(origin, size, root64, keys).items()):
        if name in files:
            wrong += [(name, what) for what in compare(name, files[name], expected)]
    if "README.md" in files and sha256(files["README.md"]).hex() != README_SHA256:
        say("README.md", "it is not the text that belongs to this check.py")

    # What was there when the pack was made.
    manifest = files.get("manifest.txt", b"")
    if sha256(manifest).hex() != sealed:
        say("manifest.txt", "it is not the list that seal.note was signed for")
    rows = re.findall("([0-9a-f]{64})  ([^\n]+)\n", manifest.decode("utf-8", "replace"))
    listed = {name: hash for hash, name in rows}
    if "".join(f"{listed[name]}  {name}\n" for name in sorted(listed)).encode() != manifest:
        say("manifest.txt", "it is not one file to a line, in the order of their names")
    always = ["README.md", "about.txt", "accounts.csv", "check.py", "checkpoint.note", "contents.csv"]
    always += ["entries.csv", "events.json", "manifest.txt", "public-key.txt", "seal.note"]
    rotations = [f"rotations/{number}.note" for number in range(1, len(keys))]
    for name in sorted({*listed, *always, *rotations} - set(files)):
        say(name, "it is missing")
    named = {file for file, _ in wrong}
    for name in sorted(set(files) - {"manifest.txt", "seal.note"}):
        # Not even the merchant can add what no record accounts for.
        if name not in {*always, *rotations} and not name.startswith("proofs/"):
            say(name, "no pack has such a file")
        elif name not in listed:
            say(name, "it was not in the pack when it was sealed")
        elif sha256(files[name]).hex() != listed[name] and name not in named:
            say(name, "it is not what it was when the pack was sealed")
    return wrong


def main(arguments):
    given = None
    if arguments[:1] == ["--key"] and len(arguments) > 1:
        given, arguments = arguments[1].strip(), arguments[2:]
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("usage: python3 check.py [--key KEY] [DIRECTORY]", file=sys.stderr)
        return 2
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent
    paths = [path for path in sorted(root.rglob("*")) if not path.is_dir()]
    # What is no file is no part of a pack, and is found by its name.
    read = lambda path: path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    files = {path.relative_to(root).as_posix(): read(path) for path in paths}
    wrong = check(files, given)
    for file, what in wrong:
        print(f"WRONG  {file}: {what}")
    if wrong:
        return 1
    about = files["about.txt"].decode()
    print(about, end="")
    print("ok: signatures and hashes hold, and every file says what the proved records say")
    if not given:
        print("the key is the one in the pack: ask the merchant for theirs in another way, and give")
        print("it with --key KEY")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

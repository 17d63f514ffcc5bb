//! Accounts, stock, orders that are nowhere, lists, and routes that are none.

use super::case::{Case, requests};

/// Method, path, status, code, param, body.
const SENT: &str = r#"
PUT  /v1/accounts/a%20b                               400 parameter_invalid            path              {"unit": "EUR", "type": "asset"}
PUT  /v1/accounts/%ff                                 400 parameter_invalid            path              {"unit": "EUR", "type": "asset"}
PUT  /v1/accounts/x                                   422 parameter_invalid            /unit             {"unit": "eur"}
PUT  /v1/accounts/x                                   422 parameter_invalid            /type             {"unit": "EUR"}
PUT  /v1/accounts/x                                   422 parameter_invalid            /type             {"unit": "EUR", "type": "money"}
PUT  /v1/accounts/x                                   422 parameter_invalid            /limit            {"unit": "EUR", "type": "asset", "limit": "5"}
PUT  /v1/accounts/a                                   409 account_type_conflict        /type             {"unit": "EUR", "type": "equity"}
POST /v1/stock/receipts                               422 parameter_invalid            /location         {"location": "a:b", "lines": [{"sku": "S", "quantity": 1}]}
POST /v1/stock/receipts                               422 parameter_invalid            /lines            {"location": "l", "lines": []}
POST /v1/stock/receipts                               422 parameter_invalid            /lines/0/sku      {"location": "l", "lines": [{"sku": "", "quantity": 1}]}
POST /v1/stock/receipts                               422 parameter_invalid            /lines/0/quantity {"location": "l", "lines": [{"sku": "S", "quantity": 0}]}
POST /v1/stripe/balance-transactions                  422 balance_transactions_missing -                 "x"
POST /v1/orders/ord_00000000000000000000000009/fulfil 404 order_not_found              -                 {}
POST /v1/orders/ord_9/cancel                          400 parameter_invalid            id                {}
"#;

/// Method, path, status, code, param.
const ASKED: &str = "
GET    /v1/orders/ord_00000000000000000000000009                404 order_not_found      -
GET    /v1/orders/ord_00000000000000000000000009/timeline       404 order_not_found      -
GET    /v1/orders/nonsense                                      400 parameter_invalid    id
GET    /v1/orders?limit=0                                       400 parameter_invalid    limit
GET    /v1/orders?limit=101                                     400 parameter_invalid    limit
GET    /v1/orders?limit=x                                       400 parameter_invalid    limit
GET    /v1/orders?starting_after=x                              400 parameter_invalid    starting_after
GET    /v1/orders?starting_after=ord_00000000000000000000000009 400 parameter_invalid    starting_after
GET    /v1/orders?ending_before=ord_00000000000000000000000009  400 parameter_invalid    ending_before
GET    /v1/orders?starting_after=a&ending_before=b              400 parameter_invalid    ending_before
GET    /v1/orders?status=lost                                   400 parameter_invalid    status
GET    /v1/orders?page=2                                        400 parameter_unknown    page
GET    /v1/orders?as_of=yesterday                               400 parameter_invalid    as_of
GET    /v1/orders?as_of=-1                                      400 parameter_invalid    as_of
GET    /v1/orders?as_of=99999                                   412 position_not_written as_of
GET    /v1/orders?min_position=99999                            412 position_not_written min_position
GET    /v1/orders?min_position=99999999999999999999             400 parameter_invalid    min_position
GET    /v1/accounts?type=money                                  400 parameter_invalid    type
GET    /v1/accounts?unit=money                                  400 parameter_invalid    unit
GET    /v1/accounts?starting_after=7                            400 parameter_invalid    starting_after
GET    /v1/accounts?starting_after=acc_999                      400 parameter_invalid    starting_after
GET    /v1/accounts/nowhere                                     404 account_not_found    path
GET    /v1/accounts/nowhere/statement                           404 account_not_found    path
GET    /v1/accounts/a/statement?starting_after=5                400 parameter_invalid    starting_after
GET    /v1/accounts/a/statement?order=up                        400 parameter_invalid    order
GET    /v1/entries/ent_00000000000000000000000009               404 entry_not_found      -
GET    /v1/holds/hld_00000000000000000000000009                 404 hold_not_found       -
GET    /v1/stock?starting_after=l:X                             400 parameter_invalid    starting_after
GET    /v1/splits?ending_before=x                               400 parameter_invalid    ending_before
GET    /v1/events?after=x                                       400 parameter_invalid    after
GET    /v1/events?limit=1001                                    400 parameter_invalid    limit
GET    /v1/events?stream=maybe                                  400 parameter_invalid    stream
GET    /v1/events?stream=true&after=99999                       412 position_not_written after
GET    /v1/webhooks/unrecognised?starting_after=evt_1           400 parameter_invalid    starting_after
GET    /v1/nothing                                              404 route_not_found      -
GET    /                                                        404 route_not_found      -
GET    /problems/nonsense                                       404 route_not_found      -
GET    /schemas/nonsense.json                                   404 route_not_found      -
DELETE /v1/orders                                               405 method_not_allowed   -
GET    /v1/webhooks/stripe                                      405 method_not_allowed   -
";

pub(super) fn cases() -> impl Iterator<Item = Case> {
    requests(SENT).chain(requests(ASKED))
}

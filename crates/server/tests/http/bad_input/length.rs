//! How long a body may be.

use crate::harness::Shop;

#[tokio::test]
async fn limits_of_length_differ_by_route() {
    let shop = Shop::open();
    let json_type = [("content-type", "application/json")];
    let blank = |length: usize| " ".repeat(length);
    for (path, longest) in [
        ("/v1/webhooks/stripe", 1024 * 1024),
        ("/v1/orders", 2 * 1024 * 1024),
        ("/v1/entries/bulk", 8 * 1024 * 1024),
    ] {
        let most = shop.raw("POST", path, &json_type, blank(longest)).await;
        assert_eq!(most.problem().0, 400, "{path} takes {longest} bytes");
        let more = shop.raw("POST", path, &json_type, blank(longest + 1)).await;
        assert_eq!(more.problem().1, "body_too_large", "{path}");
    }
    // Announced and not sent: refused before anything is read.
    let headers = [
        ("content-type", "application/json"),
        ("content-length", "99999999999"),
    ];
    let answer = shop.raw("POST", "/v1/orders", &headers, "").await;
    assert_eq!(answer.problem().1, "body_too_large");
}

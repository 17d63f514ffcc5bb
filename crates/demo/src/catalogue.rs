//! What the shop sells: articles, prices, sellers, taxes, places.
//!
//! Prices are integers of each currency's ISO 4217 minor unit; those in dinars
//! end in 0, because Stripe wants them to.

/// A currency that the shop sells in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ShopCurrency {
    Eur,
    Gbp,
    Usd,
    Jpy,
    Kwd,
}

impl ShopCurrency {
    pub(crate) const ALL: [Self; 5] = [Self::Eur, Self::Gbp, Self::Usd, Self::Jpy, Self::Kwd];

    /// As the server writes it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
            Self::Kwd => "KWD",
        }
    }

    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// As the simulated Stripe knows it. Its minor units are the same for
    /// these five.
    pub(crate) fn stripe(self) -> tillroll_stripe_simulator::StripeCurrency {
        use tillroll_stripe_simulator::StripeCurrency as Stripe;
        match self {
            Self::Eur => Stripe::EUR,
            Self::Gbp => Stripe::GBP,
            Self::Usd => Stripe::USD,
            Self::Jpy => Stripe::JPY,
            Self::Kwd => Stripe::KWD,
        }
    }

    /// Minor units in a major one.
    pub(crate) fn minor_units(self) -> u64 {
        match self {
            Self::Eur | Self::Gbp | Self::Usd => 100,
            Self::Jpy => 1,
            Self::Kwd => 1_000,
        }
    }

    /// The tax on a line: its rate, and whether the price contains it.
    pub(crate) fn tax(self) -> Option<(&'static str, TaxRule)> {
        match self {
            Self::Eur | Self::Gbp => Some(("0.20", TaxRule::Inclusive)),
            Self::Usd => Some(("0.0825", TaxRule::Exclusive)),
            Self::Jpy => Some(("0.10", TaxRule::Inclusive)),
            Self::Kwd => None,
        }
    }

    /// Whether it settles in itself, so that sellers can be paid in it.
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Eur | Self::Gbp | Self::Usd)
    }
}

/// Whether a price contains its tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaxRule {
    Inclusive,
    Exclusive,
}

impl TaxRule {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Inclusive => "inclusive",
            Self::Exclusive => "exclusive",
        }
    }
}

/// Where an order comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    App,
    Web,
    Pos,
}

impl Channel {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Web => "web",
            Self::Pos => "pos",
        }
    }
}

/// Where goods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StockPlace {
    Warehouse,
    Paris,
    London,
}

impl StockPlace {
    pub(crate) const ALL: [Self; 3] = [Self::Warehouse, Self::Paris, Self::London];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Warehouse => "web-warehouse",
            Self::Paris => "store-paris",
            Self::London => "store-london",
        }
    }
}

/// When a seller gets his share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SellerTerms {
    /// As soon as an order is fulfilled, out of that order's charge.
    PerOrder,
    /// On Mondays, out of the available balance.
    Weekly,
}

/// A merchant that sells through the shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seller {
    pub(crate) name: &'static str,
    pub(crate) country: &'static str,
    pub(crate) commission: &'static str,
    pub(crate) terms: SellerTerms,
}

pub(crate) const SELLERS: [Seller; 4] = [
    Seller {
        name: "Atelier Nord",
        country: "FR",
        commission: "0.12",
        terms: SellerTerms::PerOrder,
    },
    Seller {
        name: "Saddle & Sons",
        country: "GB",
        commission: "0.10",
        terms: SellerTerms::PerOrder,
    },
    Seller {
        name: "Lumen Audio",
        country: "DE",
        commission: "0.15",
        terms: SellerTerms::Weekly,
    },
    Seller {
        name: "Voltwerk",
        country: "DE",
        commission: "0.125",
        terms: SellerTerms::Weekly,
    },
];

/// An article.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Article {
    pub(crate) sku: &'static str,
    pub(crate) description: &'static str,
    /// Place in [`SELLERS`]; `None` for the shop's own goods.
    pub(crate) seller: Option<usize>,
    /// How often it is picked, compared with the others; 0 is only sold in a
    /// limited run.
    pub(crate) weight: u32,
    /// In the order of [`ShopCurrency::ALL`].
    prices: [u64; 5],
}

impl Article {
    pub(crate) fn price(&self, currency: ShopCurrency) -> u64 {
        let place = match currency {
            ShopCurrency::Eur => 0,
            ShopCurrency::Gbp => 1,
            ShopCurrency::Usd => 2,
            ShopCurrency::Jpy => 3,
            ShopCurrency::Kwd => 4,
        };
        self.prices[place]
    }
}

const fn own(
    sku: &'static str,
    description: &'static str,
    weight: u32,
    prices: [u64; 5],
) -> Article {
    Article {
        sku,
        description,
        seller: None,
        weight,
        prices,
    }
}

const fn of(
    seller: usize,
    sku: &'static str,
    description: &'static str,
    weight: u32,
    prices: [u64; 5],
) -> Article {
    Article {
        sku,
        description,
        seller: Some(seller),
        weight,
        prices,
    }
}

/// Place of the limited run in [`ARTICLES`].
pub(crate) const LIMITED: usize = 0;
/// How many pieces of it there are.
pub(crate) const LIMITED_PIECES: u64 = 5;

pub(crate) const ARTICLES: [Article; 20] = [
    own(
        "SNEAKER-LTD",
        "Sneaker, numbered edition",
        0,
        [14_900, 12_900, 15_900, 24_000, 49_500],
    ),
    own(
        "TEE-S",
        "Organic tee, S",
        8,
        [1_999, 1_699, 2_199, 3_200, 6_500],
    ),
    own(
        "TEE-M",
        "Organic tee, M",
        12,
        [1_999, 1_699, 2_199, 3_200, 6_500],
    ),
    own(
        "TEE-L",
        "Organic tee, L",
        9,
        [1_999, 1_699, 2_199, 3_200, 6_500],
    ),
    own(
        "HOODIE-M",
        "Hoodie, M",
        7,
        [5_490, 4_790, 5_990, 8_900, 18_250],
    ),
    own(
        "JEANS-32",
        "Jeans, 32",
        6,
        [7_900, 6_900, 8_500, 12_800, 26_500],
    ),
    own(
        "DRESS-38",
        "Dress, 38",
        5,
        [6_450, 5_650, 6_990, 10_400, 21_750],
    ),
    own(
        "SOCKS-3P",
        "Socks, three pairs",
        10,
        [990, 850, 1_050, 1_600, 3_250],
    ),
    own(
        "SNEAKER-42",
        "Sneaker, 42",
        5,
        [8_900, 7_700, 9_500, 14_300, 29_750],
    ),
    own(
        "EARBUDS",
        "Wireless earbuds",
        6,
        [5_990, 5_190, 6_490, 9_700, 19_990],
    ),
    own(
        "CHARGER-65W",
        "Charger, 65 W",
        6,
        [3_490, 2_990, 3_790, 5_600, 11_500],
    ),
    own(
        "CABLE-USBC",
        "Cable, USB-C, 2 m",
        9,
        [1_250, 1_090, 1_390, 2_000, 4_150],
    ),
    of(
        0,
        "SCARF-WOOL",
        "Scarf, lambswool",
        8,
        [3_900, 3_390, 4_190, 6_300, 12_950],
    ),
    of(
        0,
        "HAT-FELT",
        "Felt hat",
        5,
        [4_500, 3_890, 4_890, 7_200, 14_950],
    ),
    of(
        1,
        "TOTE-CANVAS",
        "Canvas tote",
        8,
        [2_500, 2_150, 2_690, 4_000, 8_250],
    ),
    of(
        1,
        "BELT-LEATHER",
        "Leather belt",
        7,
        [3_500, 2_990, 3_790, 5_600, 11_590],
    ),
    of(
        2,
        "SPEAKER-MINI",
        "Small speaker",
        6,
        [7_990, 6_890, 8_590, 12_900, 26_490],
    ),
    of(
        2,
        "HEADSET-PRO",
        "Studio headset",
        4,
        [12_900, 11_190, 13_900, 20_800, 42_750],
    ),
    of(
        3,
        "POWERBANK",
        "Power bank, 10 Ah",
        8,
        [2_990, 2_590, 3_190, 4_800, 9_900],
    ),
    of(
        3,
        "WATCH-SPORT",
        "Sports watch",
        4,
        [19_900, 17_190, 21_500, 32_000, 65_950],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_article_can_be_charged_in_every_currency() {
        for article in &ARTICLES {
            for currency in ShopCurrency::ALL {
                let price = article.price(currency);
                assert!(
                    price >= currency.stripe().minimum_charge(),
                    "{}",
                    article.sku
                );
                assert_eq!(
                    price % currency.stripe().charge_step(),
                    0,
                    "{} in {}",
                    article.sku,
                    currency.code()
                );
            }
            assert!(article.seller.is_none_or(|seller| seller < SELLERS.len()));
        }
        let skus: BTreeSet<&str> = ARTICLES.iter().map(|article| article.sku).collect();
        assert_eq!(skus.len(), ARTICLES.len());
        assert_eq!(ARTICLES[LIMITED].sku, "SNEAKER-LTD");
    }

    #[test]
    fn stripes_minor_units_are_the_servers() {
        for currency in ShopCurrency::ALL {
            assert_eq!(
                10_u64.pow(currency.stripe().decimals()),
                currency.minor_units()
            );
            assert_eq!(ShopCurrency::of_code(currency.code()), Some(currency));
        }
    }
}

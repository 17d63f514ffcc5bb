//! Orders, stock, and what becomes of orders.

use tillroll_book::{
    Action, LineRequest, PlaceOrder, ReceiveStock, SellerRequest, StockRequest, TaxRequest,
};
use tillroll_events::{Metadata, OrderId};

use super::{Plot, Workload};
use crate::request::ClientRequest;

const SKUS: [&str; 3] = ["TEE-M", "MUG", "CAP"];
const LOCATIONS: [&str; 2] = ["store", "warehouse"];
const SELLERS: [&str; 3] = ["acct_atelier", "acct_bottega", "acct_casa"];

impl Workload {
    /// An order, and what Stripe will say about its payment: that may arrive before the order.
    pub(super) fn order(&mut self, step: u64) -> ClientRequest {
        let id = OrderId::from_u128(self.id());
        let (currency, stripes) = self.stripe.currency(&mut self.chance);
        let articles = self.plot == Plot::Everything && self.chance.percent(60);
        let count = self.chance.below(3) + 1;
        let lines: Vec<LineRequest> = (0..count).map(|_| self.line(articles)).collect();
        let amount = lines
            .iter()
            .map(|line| line.unit_price * line.quantity)
            .sum();
        let order = PlaceOrder {
            id,
            channel: self.chance.pick(&["web", "app", "pos"]).into(),
            location: articles.then(|| self.chance.pick(&LOCATIONS).into()),
            currency,
            lines,
            metadata: Metadata::new(),
            offline: articles && self.chance.percent(15),
        };
        self.orders.push(id);
        let request = self.keyed(Action::PlaceOrder(order));
        self.happened.push(request.clone());
        if self.chance.percent(75) {
            let said = self.stripe.pay(&mut self.chance, id, amount, stripes);
            for request in said {
                self.happened.push(request.clone());
                while self.chance.percent(15) {
                    self.post(step, request.clone());
                }
                self.post(step, request);
            }
        }
        if self.chance.percent(20)
            && let Some(sooner) = self.arrived(u64::MAX)
        {
            self.post(step, request);
            return sooner;
        }
        request
    }

    fn line(&mut self, article: bool) -> LineRequest {
        let chance = &mut self.chance;
        let tax = chance.percent(60).then(|| TaxRequest {
            rate: chance
                .pick(&["0.2", "0.055", "0.0825", "0"])
                .parse()
                .expect("a rate"),
            included: chance.percent(80),
        });
        let seller = chance.percent(35).then(|| SellerRequest {
            account: chance.pick(&SELLERS).parse().expect("an id"),
            commission: chance.pick(&["0.1", "0.125", "0"]).parse().expect("a rate"),
        });
        LineRequest {
            sku: article.then(|| chance.pick(&SKUS).into()),
            description: None,
            quantity: chance.between(1, 3),
            // Thirds of every sum of these can be captured and refunded in every currency.
            unit_price: 30 * chance.between(100, 400),
            tax,
            seller,
        }
    }

    /// Any order that was ever thought of, or one that never was.
    fn some_order(&mut self) -> OrderId {
        let index = self.chance.below(self.orders.len() + 1);
        let known = self.orders.get(index).copied();
        known.unwrap_or(OrderId::from_u128(7))
    }

    pub(super) fn order_changed(&mut self) -> ClientRequest {
        let id = self.some_order();
        let action = match self.chance.percent(60) {
            true => Action::FulfilOrder(id),
            false => Action::CancelOrder(id),
        };
        self.keyed(action)
    }

    /// An order under the id of another.
    pub(super) fn order_again(&mut self) -> ClientRequest {
        let order = PlaceOrder {
            id: self.some_order(),
            channel: "web".into(),
            location: None,
            currency: "EUR".parse().expect("a currency"),
            lines: vec![self.line(false)],
            metadata: Metadata::new(),
            offline: false,
        };
        self.keyed(Action::PlaceOrder(order))
    }

    pub(super) fn empty_order(&mut self) -> ClientRequest {
        let order = PlaceOrder {
            id: OrderId::from_u128(self.id()),
            channel: "web".into(),
            location: None,
            currency: "EUR".parse().expect("a currency"),
            lines: Vec::new(),
            metadata: Metadata::new(),
            offline: false,
        };
        self.keyed(Action::PlaceOrder(order))
    }

    pub(super) fn stock(&mut self) -> ClientRequest {
        let lines = (0..=self.chance.below(2))
            .map(|_| StockRequest {
                sku: self.chance.pick(&SKUS).into(),
                quantity: self.chance.between(1, 20),
            })
            .collect();
        let action = Action::ReceiveStock(ReceiveStock {
            location: self.chance.pick(&LOCATIONS).into(),
            lines,
            reference: None,
        });
        self.keyed(action)
    }
}

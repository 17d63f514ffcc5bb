//! Lists, as Stripe's.

use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::query::PageRequest;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct List<T> {
    #[schema(example = "list")]
    object: &'static str,
    data: Vec<T>,
    /// Whether there is more in the direction that was asked for.
    has_more: bool,
    /// Where the list is.
    url: String,
}

impl<T> List<T> {
    pub(crate) fn new(url: impl Into<String>, data: Vec<T>, has_more: bool) -> Self {
        Self {
            object: "list",
            data,
            has_more,
            url: url.into(),
        }
    }

    /// A page of a list that is at hand as a whole.
    pub(crate) fn page_of(
        url: &str,
        mut all: Vec<T>,
        page: &PageRequest,
        id: impl Fn(&T) -> &str,
    ) -> Result<Self, Problem> {
        let place = |name: &str, cursor: &str| {
            all.iter()
                .position(|item| id(item) == cursor)
                .ok_or_else(|| {
                    Problem::parameter(name, "the cursor is the `id` of an item of this list")
                })
        };
        let (start, end) = match (&page.starting_after, &page.ending_before) {
            (Some(cursor), _) => {
                let start = place("starting_after", cursor)? + 1;
                (start, all.len().min(start + page.limit))
            }
            (None, Some(cursor)) => {
                let end = place("ending_before", cursor)?;
                (end.saturating_sub(page.limit), end)
            }
            (None, None) => (0, all.len().min(page.limit)),
        };
        let has_more = match page.ending_before {
            Some(_) => start > 0,
            None => end < all.len(),
        };
        all.truncate(end);
        Ok(Self::new(url, all.split_off(start), has_more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_both_ways() {
        let all = ["a", "b", "c", "d", "e"];
        //     limit, after, before => items, more
        let table: &[(usize, Option<&str>, Option<&str>, &[&str], bool)] = &[
            (2, None, None, &["a", "b"], true),
            (5, None, None, &["a", "b", "c", "d", "e"], false),
            (2, Some("b"), None, &["c", "d"], true),
            (2, Some("c"), None, &["d", "e"], false),
            (2, Some("e"), None, &[], false),
            (2, None, Some("d"), &["b", "c"], true),
            (2, None, Some("c"), &["a", "b"], false),
            (2, None, Some("a"), &[], false),
        ];
        for (limit, after, before, items, more) in table {
            let page = PageRequest {
                limit: *limit,
                starting_after: after.map(str::to_owned),
                ending_before: before.map(str::to_owned),
            };
            let list = List::page_of("/", all.to_vec(), &page, |item| item).unwrap();
            assert_eq!((&list.data[..], list.has_more), (*items, *more), "{page:?}");
        }
        let page = PageRequest {
            limit: 2,
            starting_after: Some("x".into()),
            ending_before: None,
        };
        assert!(List::page_of("/", all.to_vec(), &page, |item| item).is_err());
    }
}

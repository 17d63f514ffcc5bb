//! Lists, as Stripe's.

use std::ops::Range;

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

/// Where a list that is too long for a page loses items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShortenedAt {
    End,
    /// Of a page that ends before a cursor.
    Start,
}

impl From<&PageRequest> for ShortenedAt {
    fn from(page: &PageRequest) -> Self {
        match page.ending_before {
            Some(_) => Self::Start,
            None => Self::End,
        }
    }
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

    /// The list as JSON, no more of its items than are so many bytes, but one in any case. It is
    /// shortened `at` the end that is farther from the cursor.
    pub(crate) fn to_text(&self, bytes: usize, at: ShortenedAt) -> Vec<u8>
    where
        T: Serialize,
    {
        let mut data = Vec::new();
        let mut kept: Vec<Range<usize>> = Vec::with_capacity(self.data.len());
        let mut keep = |item: &T| {
            let start = data.len();
            serde_json::to_writer(&mut data, item).expect("an answer is plain data");
            let fits = data.len() <= bytes || kept.is_empty();
            if fits {
                kept.push(start..data.len());
            }
            fits
        };
        let all = match at {
            ShortenedAt::End => self.data.iter().all(&mut keep),
            ShortenedAt::Start => self.data.iter().rev().all(&mut keep),
        };
        if at == ShortenedAt::Start {
            kept.reverse();
        }
        let mut text = Vec::with_capacity(data.len() + self.url.len() + 128);
        text.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
        for (index, item) in kept.into_iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&data[item]);
        }
        text.extend_from_slice(b"],\"has_more\":");
        let more = self.has_more || !all;
        text.extend_from_slice(if more { b"true" } else { b"false" });
        text.extend_from_slice(b",\"url\":");
        serde_json::to_writer(&mut text, &self.url).expect("an answer is plain data");
        text.push(b'}');
        text
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
    fn a_page_ends_before_it_is_too_long() {
        let all: Vec<String> = ["a", "b", "c", "d"].map(|text| text.repeat(8)).into();
        // Each is ten bytes with its quotes.
        //     bytes, shortened at => items, more
        let table = [
            (40, ShortenedAt::End, "abcd", false),
            (39, ShortenedAt::End, "abc", true),
            (20, ShortenedAt::End, "ab", true),
            (1, ShortenedAt::End, "a", true),
            (40, ShortenedAt::Start, "abcd", false),
            (39, ShortenedAt::Start, "bcd", true),
            (1, ShortenedAt::Start, "d", true),
        ];
        for (bytes, at, items, more) in table {
            for had_more in [false, true] {
                let list = List::new("/v1/\"x\"", all.clone(), had_more);
                let text = list.to_text(bytes, at);
                let expected: Vec<_> = items.chars().map(|c| c.to_string().repeat(8)).collect();
                let expected = List::new("/v1/\"x\"", expected, more || had_more);
                let expected = serde_json::to_string(&expected).unwrap();
                assert_eq!(std::str::from_utf8(&text), Ok(&*expected), "{bytes} {at:?}");
            }
        }
        let none = List::new("/", Vec::<String>::new(), false);
        let expected = serde_json::to_vec(&none).unwrap();
        assert_eq!(none.to_text(1, ShortenedAt::End), expected);
    }

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

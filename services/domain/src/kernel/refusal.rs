//! How a rule says no: each aggregate has an enum of its refusals, made by [`refusals!`], which can list all their codes.

/// What a refusal says about what was asked; over HTTP it is the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It names something that isn't there.
    Unknown,
    /// It makes no sense, whatever the state.
    Invalid,
    /// The state forbids it.
    Conflict,
}

/// A decision that the rules of one aggregate don't allow. What it displays is advice: what stands against it, and what to do.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// The code of every refusal of this aggregate, with its nature and its advice, in which values stand as `{name}`.
    const CODES: &'static [(&'static str, Nature, &'static str)];

    /// Stable and documented.
    fn code(&self) -> &'static str;

    fn nature(&self) -> Nature;
}

/// The refusals of an aggregate: for each its values, its nature, its code and its advice.
macro_rules! refusals {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($refusal:ident $({ $($field:ident: $type:ty),* $(,)? })?: $nature:ident $code:literal, $advice:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum $name {
            $(#[error($advice)] $refusal $({ $($field: $type),* })?,)*
        }

        impl $crate::kernel::Refusal for $name {
            const CODES: &'static [(&'static str, $crate::kernel::Nature, &'static str)] =
                &[$(($code, $crate::kernel::Nature::$nature, $advice)),*];

            fn code(&self) -> &'static str {
                match self {
                    $(Self::$refusal { .. } => $code,)*
                }
            }

            fn nature(&self) -> $crate::kernel::Nature {
                match self {
                    $(Self::$refusal { .. } => $crate::kernel::Nature::$nature,)*
                }
            }
        }
    };
}

pub(crate) use refusals;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{contact, conversation, tenant, webhook};

    #[test]
    fn each_code_stands_once_in_its_aggregates_list_and_means_the_same_in_all() {
        let lists =
            [conversation::Refused::CODES, contact::Refused::CODES, tenant::Refused::CODES, webhook::Refused::CODES];
        for list in lists {
            let codes: HashSet<_> = list.iter().map(|(code, ..)| *code).collect();
            assert_eq!(codes.len(), list.len(), "{list:?}");
            for (code, nature, _) in list {
                assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
                assert_eq!(code.starts_with("unknown_"), *nature == Nature::Unknown, "{code}");
                let elsewhere = lists.iter().flat_map(|other| *other).filter(|(other, ..)| other == code);
                assert!(elsewhere.into_iter().all(|(_, other, _)| other == nature), "{code}");
            }
        }
    }

    #[test]
    fn a_refusal_has_a_listed_code_and_its_advice() {
        let id = "000000000000000000000000000000c1m0000000000000000000000000000000a";
        let refused = conversation::Refused::UnknownMessage { id: id.parse().unwrap() };
        let listed = |(code, nature, _): &(_, _, _)| (*code, *nature) == (refused.code(), refused.nature());
        assert!(conversation::Refused::CODES.iter().any(listed));
        assert_eq!(refused.to_string(), format!("there is no message `{id}` in this conversation's outbox"));
    }
}

//! What a call costs.

use steward_settings::{Price, Rate};

use super::answer::Usage;

/// The cost in micro-USD, rounded up: what is paid is never told as less.
pub fn cost(usage: &Usage, price: &Price) -> u64 {
    let Price { input, output, cache_read, cache_write } = *price;
    let cached = usage.input_cached.min(usage.input);
    let written = usage.input_cache_write.min(usage.input - cached);
    let fresh = usage.input - cached - written;
    let of = |tokens: u64, Rate(rate): Rate| u128::from(tokens) * u128::from(rate);
    let total = of(fresh, input)
        + of(cached, cache_read.unwrap_or(input))
        + of(written, cache_write.unwrap_or(input))
        + of(usage.output, output);
    u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(input: u64, input_cached: u64, input_cache_write: u64, output: u64) -> Usage {
        Usage { input, input_cached, input_cache_write, output, output_reasoning: 0, exact: true }
    }

    #[test]
    fn each_kind_of_token_has_its_price_and_the_sum_is_rounded_up() {
        let price = Price {
            input: Rate(3_000_000),
            output: Rate(15_000_000),
            cache_read: Some(Rate(300_000)),
            cache_write: Some(Rate(3_750_000)),
        };
        assert_eq!(cost(&usage(1_000_000, 0, 0, 0), &price), 3_000_000);
        assert_eq!(cost(&usage(1_000, 600, 300, 10), &price), 300 + 180 + 1_125 + 150);
        assert_eq!(cost(&usage(1, 1, 0, 0), &price), 1, "0.3 micro-USD");
        assert_eq!(cost(&usage(0, 0, 0, 0), &price), 0);
        let plain = Price { cache_read: None, cache_write: None, ..price };
        assert_eq!(cost(&usage(1_000, 600, 300, 0), &plain), 3_000);
        assert_eq!(cost(&usage(u64::MAX, 0, 0, u64::MAX), &price), u64::MAX);
    }

    proptest! {
        #[test]
        fn more_never_costs_less(a in any::<[u32; 4]>(), more in 0u32..1000, rates in any::<[u32; 4]>()) {
            let [input, output, read, write] = rates.map(|rate| Rate(rate.into()));
            let price = Price { input, output, cache_read: Some(read.min(input)), cache_write: Some(write) };
            let [fresh, cached, written, out] = a.map(u64::from);
            let of = |more: u64| cost(&usage(fresh + more + cached + written, cached, written, out + more), &price);
            prop_assert!(of(more.into()) >= of(0));
        }
    }
}

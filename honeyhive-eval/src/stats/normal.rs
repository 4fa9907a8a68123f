//! The standard normal distribution.

/// The share of the distribution below `z`.
pub(super) fn share_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Where `share` of the distribution lies below. Infinite for 0 and 1.
pub(super) fn quantile(share: f64) -> f64 {
    if share <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if share > 0.5 {
        return -quantile(1.0 - share);
    }
    // Below the median the share is exact to its last digit, so halving finds the quantile to its own.
    let (mut low, mut high) = (-40.0, 0.0);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if share_below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::super::assert_close;
    use super::*;

    /// Abramowitz and Stegun, Handbook of Mathematical Functions (1964), table 26.1 for the shares and 26.5 for the
    /// quantiles; the digits beyond theirs are from scipy.stats.norm 1.17.
    #[test]
    fn the_normal_distribution_is_the_one_of_the_tables() {
        assert_close(share_below(-1.0), 0.158_655_254);
        assert_close(share_below(0.5), 0.691_462_461);
        assert_close(share_below(1.96), 0.975_002_105);
        assert_close(share_below(-3.0), 0.001_349_898);
        for (share, z) in [
            (0.0005, -3.290_526_731),
            (0.025, -1.959_963_985),
            (0.5, 0.0),
            (0.9, 1.281_551_566),
            (0.975, 1.959_963_985),
            (0.999, 3.090_232_306),
        ] {
            assert_close(quantile(share), z);
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }
}

//! A reproducible source of random numbers, for resampling alone.

/// The generator SplitMix64 (Steele, Lea and Flood 2014): the same numbers from a seed in every version and on every
/// machine, which a dependency's default generator does not promise.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A position in a slice of this length.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the product's upper half is below the length"
    )]
    pub(super) fn below(&mut self, len: usize) -> usize {
        ((u128::from(self.bits()) * len as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        // The vector published with the reference for seed 1234567.
        let mut random = Random::seeded(1_234_567);
        let found: [u64; 5] = std::array::from_fn(|_| random.bits());
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(found, published);
        assert!((0..1000).all(|_| random.below(3) < 3));
    }
}

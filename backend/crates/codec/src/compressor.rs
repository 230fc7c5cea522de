use crate::CompressError;

/// The library's own default: about the best ratio that still keeps up with a fast network.
const LEVEL: i32 = 3;

/// Compresses inputs up to a limit into single Zstandard frames. Cheap to copy; it holds no buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compressor {
    limit: usize,
}

impl Compressor {
    /// A compressor that accepts inputs of at most `limit` bytes.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self { limit }
    }

    /// The largest input that is accepted, in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Compresses `input` into one frame, which states the size of its content. Equal inputs give equal frames.
    ///
    /// This computes for as long as it takes; an asynchronous caller runs it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// [`CompressError::TooLarge`] if the input is above the limit, [`CompressError::Library`] if Zstandard fails.
    pub fn compress(&self, input: &[u8]) -> Result<Vec<u8>, CompressError> {
        if input.len() > self.limit {
            return Err(CompressError::TooLarge {
                found: input.len(),
                limit: self.limit,
            });
        }
        zstd::bulk::compress(input, LEVEL).map_err(CompressError::Library)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_decodes_to_its_input() {
        let input = b"the same words, the same words, the same words".repeat(100);
        let frame = Compressor::with_limit(input.len()).compress(&input).unwrap();

        assert!(frame.len() < input.len() / 10);
        assert_eq!(zstd::bulk::decompress(&frame, input.len()).unwrap(), input);
    }

    #[test]
    fn an_empty_input_gives_a_valid_frame() {
        let frame = Compressor::with_limit(0).compress(b"").unwrap();

        assert!(!frame.is_empty());
        assert!(zstd::bulk::decompress(&frame, 0).unwrap().is_empty());
    }

    #[test]
    fn one_byte_above_the_limit_is_refused_with_both_numbers() {
        let error = Compressor::with_limit(3).compress(b"four").unwrap_err();

        assert!(matches!(error, CompressError::TooLarge { found: 4, limit: 3 }));
        assert_eq!(error.to_string(), "the input has 4 bytes, at most 3 are accepted");
    }

    #[test]
    fn the_library_states_its_version() {
        assert!(crate::library_version().starts_with("1."));
    }
}

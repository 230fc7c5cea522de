use std::error::Error;
use std::fmt;
use std::io;

/// Why an input was not compressed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressError {
    /// The input is larger than the compressor accepts.
    TooLarge {
        /// The size of the input in bytes.
        found: usize,
        /// The largest size that is accepted, in bytes.
        limit: usize,
    },
    /// The Zstandard library refused; in practice, memory ran out.
    Library(io::Error),
}

impl fmt::Display for CompressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { found, limit } => {
                write!(formatter, "the input has {found} bytes, at most {limit} are accepted")
            }
            Self::Library(_) => formatter.write_str("the Zstandard library could not compress the input"),
        }
    }
}

impl Error for CompressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Library(source) => Some(source),
        }
    }
}

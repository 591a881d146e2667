//! Images: layers assembled as a stream, pushed, copied, verified. Knows no cloud.

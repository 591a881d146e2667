//! Tables for questions.
